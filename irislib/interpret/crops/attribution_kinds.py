"""One record for each kind of attribution, so that the same crops, tests and labels can be applied to all.

Three kinds of map say where an occurrence acts (docs/protocol.md, step 3): the change of the decoded frame,
the patches at which the code stands, and the paper's Grad-CAM.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, Int, Int16, Integer

from irislib.artifacts import Store
from irislib.interpret.boxes import Boxes
from irislib.interpret.crops.regions import CropConfig, find_boxes, read_regions
from irislib.interpret.evidence import Maps, read_maps

Kind = Literal["change", "position", "gradcam"]
KINDS: tuple[Kind, ...] = get_args(Kind)

CHUNK = 4096  # maps at once


@dataclass(frozen=True)
class Attribution:
    """The maps of all occurrences, and what lies under them.

    Attributes:
        kind: of attribution.
        maps: which occurrence has which map, of M maps.
        mass: share of each map's mass on each labelled rectangle; the shares of a map sum to 1, or to 0 where
            the map has nothing on any rectangle.
        region_map: the map of each region, ascending.
        region_box: the region's bounding box (y0, x0, y1, x1) in pixels, half open.
    """

    kind: Kind
    maps: Maps
    mass: Float32[np.ndarray, "map box"]
    region_map: Int[np.ndarray, " region"]
    region_box: Int16[np.ndarray, "region 4"]


def read_attribution(
    kind: Kind, rollouts: Store, store: Store, boxes: Boxes, config: CropConfig
) -> Attribution:
    """Reads the maps of one kind.

    Args:
        kind: of attribution.
        rollouts: recorded play.
        store: the maps of that play: changes.zarr for `change` and `position`, heatmaps.zarr for `gradcam`.
        boxes: the labelled rectangles of the frame.
        config: the `crop` section, for the regions.

    Raises:
        ArtifactError: the maps are of other rollouts, not finite or damaged.
    """
    maps = read_maps(rollouts, store)
    if kind == "position":
        everywhere = np.ones(len(maps.code), bool)
        positions = store.read("map_positions")
        return Attribution(
            kind,
            replace(maps, nonempty=everywhere, nonzero=everywhere),
            mass_of_positions(positions, boxes),
            *find_position_regions(positions, boxes.frame, config),
        )
    weights = boxes.weights(store.array("heatmap").shape[1:])
    return Attribution(kind, maps, mass_by_box(store, weights), *read_regions(store, boxes.frame, config))


def attribute_positions(
    tokens: Integer[np.ndarray, "observation h w"],
    codes: int,
    episode: Int[np.ndarray, " observation"],
    boxes: Boxes,
    config: CropConfig,
) -> Attribution:
    """Position masks of tokens for which no maps are stored: an occurrence's map is where its code stands.

    Args:
        tokens: of each observation.
        codes: K.
        episode: of each observation, from 0 without gaps.
        boxes: the labelled rectangles of the frame.
        config: the `crop` section.
    """
    steps, *grid = tokens.shape
    flat = tokens.reshape(steps, -1).astype(np.int64)
    key = np.arange(steps)[:, None] * codes + flat
    occurrence, row = np.unique(key, return_inverse=True)
    there = np.zeros((len(occurrence), flat.shape[1]), bool)
    there[row.reshape(flat.shape), np.arange(flat.shape[1])] = True
    code = (occurrence % codes)[:, None]
    packed = np.concatenate(
        [code.astype(">i4").view(np.uint8).reshape(-1, 4), np.packbits(there, axis=1)], axis=1
    )
    _, first, map_of = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    positions = there[first].reshape(-1, *grid)
    filled = np.ones(len(first), bool)
    maps = Maps(
        codes=codes,
        episode=episode,
        code=code[first, 0].astype(np.int32),
        nonempty=filled,
        nonzero=filled,
        occurrence_step=(occurrence // codes).astype(np.int32),
        occurrence_map=map_of.ravel().astype(np.int32),
    )
    regions = find_position_regions(positions, boxes.frame, config)
    return Attribution("position", maps, mass_of_positions(positions, boxes), *regions)


def mass_by_box(store: Store, weights: Float32[np.ndarray, "position box"]) -> Float32[np.ndarray, "map box"]:
    """Share of each map's mass on each rectangle; a map's shares sum to 1 unless the map is empty.

    Args:
        store: of the maps, heatmaps.zarr or changes.zarr.
        weights: see `Boxes.weights`.
    """
    mass = np.zeros((len(store), weights.shape[1]), np.float32)
    for start in range(0, len(mass), CHUNK):
        rows = slice(start, start + CHUNK)
        values = store.read("heatmap", rows).astype(np.float32)
        mass[rows] = _shares(values.reshape(-1, len(weights)) @ weights)
    return mass


def mass_of_positions(positions: Bool[np.ndarray, "map h w"], boxes: Boxes) -> Float32[np.ndarray, "map box"]:
    """Share of the area of a code's token patches that lies on each rectangle.

    Args:
        positions: where the code of each map stands.
        boxes: the labelled rectangles of the frame.
    """
    patches = boxes.patches(positions.shape[1:])
    return _shares(positions.reshape(-1, len(patches)).astype(np.float32) @ patches)


def find_position_regions(
    positions: Bool[np.ndarray, "map h w"], frame: tuple[int, ...], config: CropConfig
) -> tuple[Int[np.ndarray, " region"], Int16[np.ndarray, "region 4"]]:
    """Bounding boxes of adjoining token patches, as `find_boxes` returns them.

    A pixel belongs to the patch in which its centre lies.

    Args:
        positions: where the code of each map stands.
        frame: (H, W).
        config: the `crop` section; its threshold does not matter.
    """
    row, column = (
        ((np.arange(side) + 0.5) * count / side).astype(np.int64)
        for side, count in zip(frame, positions.shape[1:], strict=True)
    )
    found = []
    for start in range(0, len(positions), CHUNK):
        masks = positions[start : start + CHUNK][:, row][:, :, column]
        rows, box = find_boxes(masks, config.min_area, config.connectivity)
        found.append((start + rows, box))
    region_map, region_box = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return region_map, region_box


def _shares(values: Float32[np.ndarray, "map box"]) -> Float32[np.ndarray, "map box"]:
    total = values.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return shares
