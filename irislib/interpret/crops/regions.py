"""Regions under the maps, and random boxes of the same sizes to compare them with (protocol step 5)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from scipy import ndimage

from irislib.artifacts import open_store, writing
from irislib.errors import ArtifactError
from irislib.interpret.evidence import Maps, read_maps
from irislib.params import STRICT
from irislib.runtime import progress
from irislib.seeding import stream
from irislib.stores.crops import CROPS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS

ROWS = 1024  # maps upsampled at once


@dataclass(frozen=True)
class CropConfig:
    """The `crop` section.

    Attributes:
        threshold: a region's pixels have at least this share of the upsampled map's maximum.
        min_area: regions whose box is smaller are dropped, in pixels.
        max_per_code: crops a code; where there are more candidates they are drawn at random, evenly over the
            episodes, the same observations first for every code.
        connectivity: neighbours share a side (1), or a side or a corner (2).
    """

    __pydantic_config__ = STRICT
    threshold: Annotated[float, Gt(0), Le(1)]
    min_area: Annotated[int, Ge(1)]
    max_per_code: Annotated[int, Ge(1)]
    connectivity: Literal[1, 2]


def crop_regions(config: CropConfig, seed: int, rollouts: Path, heatmaps: Path, out: Path) -> None:
    """Writes crops.zarr: the regions' crops by code, step, region, then their random counterparts.

    Raises:
        ArtifactError: a store is missing or damaged, or the heatmaps are not of these rollouts.
    """
    play, store = open_store(rollouts, ROLLOUTS), open_store(heatmaps, HEATMAPS)
    maps = read_maps(play, store)
    frame = play.array("obs").shape[1:3]
    if tuple(store.attrs["frame_size"]) != frame:
        raise ArtifactError(f"{heatmaps}: does not belong to {rollouts}; run the gradcam stage again")

    found = []
    for start in progress(range(0, len(store), ROWS), desc="regions", unit="block"):
        rows, boxes = find_regions(store.read("heatmap", slice(start, start + ROWS)), frame, config)
        found.append((start + rows, boxes))
    region_map, region_box = (np.concatenate(parts) for parts in zip(*found, strict=True))

    code, step, region = draw_crops(maps, region_map, config.max_per_code, seed)
    box = region_box[region]
    random_box = draw_boxes(code, box, frame, seed)
    n = len(code)
    attrs = {
        "codebook_size": maps.codes,
        "frame_size": list(frame),
        "threshold": config.threshold,
        "min_area": config.min_area,
        "max_per_code": config.max_per_code,
        "connectivity": config.connectivity,
    }
    with writing(out, CROPS, attrs) as writer:
        writer.append(
            region_map=region_map.astype(np.int32),
            region_box=region_box,
            crop_step=np.tile(step, 2).astype(np.int32),
            crop_code=np.tile(code, 2).astype(np.int32),
            crop_box=np.concatenate([box, random_box]),
            crop_random=np.repeat([False, True], n),
            crop_match=np.tile(np.arange(n, dtype=np.int32), 2),
        )


def upsample(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Bilinear interpolation between the centres of the cells; beyond the outermost, their values.

    Args:
        maps: float32 [N,h,w].
        size: (H, W).

    Returns:
        float32 [N,H,W], as torch's interpolate gives with align_corners=False.
    """
    rows, columns = (_interpolation(old, new) for old, new in zip(maps.shape[1:], size, strict=True))
    large: np.ndarray = rows @ maps @ columns.T
    return large


def _interpolation(old: int, new: int) -> np.ndarray:
    """Weights float32 [new,old] of the old cells in each of the new ones along one axis."""
    centre = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    weights: np.ndarray = np.maximum(0, 1 - np.abs(centre[:, None] - np.arange(old)))
    return weights.astype(np.float32)


def find_regions(
    maps: np.ndarray, frame: tuple[int, ...], config: CropConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Connected components of thresholded maps.

    Args:
        maps: after the ReLU, float32 [N,h,w]. An empty map has no region.
        frame: (H, W).
        config: threshold, least area and connectivity.

    Returns:
        int64 [R], the map of each region, ascending, and its box (y0, x0, y1, x1), int16 [R,4]; the
        regions of one map in reading order of their first pixels.
    """
    large = upsample(maps, frame)
    inside = (large >= config.threshold * large.max((1, 2), keepdims=True)) & (large > 0)
    # Labels the whole stack at once: neighbours are looked for within a map, never across maps.
    neighbours = np.zeros((3, 3, 3), bool)
    neighbours[1] = ndimage.generate_binary_structure(2, config.connectivity)
    labels, _ = ndimage.label(inside, neighbours)
    found = ndimage.find_objects(labels)
    edges = np.array([[m.start, y.start, x.start, y.stop, x.stop] for m, y, x in found]).reshape(-1, 5)
    area = (edges[:, 3] - edges[:, 1]) * (edges[:, 4] - edges[:, 2])
    edges = edges[area >= config.min_area]
    return edges[:, 0].astype(np.int64), edges[:, 1:].astype(np.int16)


def draw_crops(
    maps: Maps, region_map: np.ndarray, max_per_code: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chooses at most `max_per_code` of the (observation, region) candidates of each code.

    Episodes take turns, as crops of one look alike whatever the code: the first observation of each episode,
    then the second, and so on. All codes prefer the same observations, in one random order: else two codes
    would hardly ever be cropped together, and nothing could be said of pairs.

    Args:
        maps: who has which map.
        region_map: int [R], the map of each region, ascending.
        max_per_code: crops a code, at most.
        seed: of the order.

    Returns:
        code, step and region of each crop, int64 [N], ordered by the three.
    """
    regions = np.bincount(region_map, minlength=len(maps.code))
    first_region = np.cumsum(regions) - regions
    rank = stream(seed, "crops").permutation(maps.steps)
    alive = np.flatnonzero(regions[maps.occurrence_map])
    steps = maps.occurrence_step[alive]
    by_code = alive[_in_turn(maps.occurrence_code[alive], maps.episode[steps], rank[steps])]
    times = regions[maps.occurrence_map[by_code]]
    pair = np.repeat(by_code, times)
    nth = np.arange(len(pair)) - np.repeat(np.cumsum(times) - times, times)

    code = maps.occurrence_code[pair].astype(np.int64)
    place = np.arange(len(code)) - np.searchsorted(code, code)  # among the candidates of its code
    chosen = place < max_per_code
    step = maps.occurrence_step[pair[chosen]].astype(np.int64)
    region = first_region[maps.occurrence_map[pair[chosen]]] + nth[chosen]
    order = np.lexsort((region, step, code[chosen]))
    return code[chosen][order], step[order], region[order]


def _in_turn(code: np.ndarray, episode: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """The order by code in which its episodes take turns, each with its observations by rank, int64 [N]."""
    order = np.lexsort((rank, episode, code))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(code[order]) != 0) | (np.diff(episode[order]) != 0)
    start = np.flatnonzero(new)
    turn = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    by_turn: np.ndarray = order[np.lexsort((rank[order], turn, code[order]))]
    return by_turn


def draw_boxes(code: np.ndarray, box: np.ndarray, frame: tuple[int, ...], seed: int) -> np.ndarray:
    """For each box one of the same size anywhere in the frame, every place equally likely.

    Args:
        code: int [N], ascending.
        box: int16 [N,4], (y0, x0, y1, x1).
        frame: (H, W).
        seed: of the draws; each code has its own random stream.

    Returns:
        int16 [N,4].
    """
    size = (box[:, 2:] - box[:, :2]).astype(np.int64)
    corner = np.zeros_like(size)
    for k in np.unique(code):
        rows = slice(*np.searchsorted(code, [k, k + 1]))
        corner[rows] = stream(seed, "random boxes", int(k)).integers(
            0, np.array(frame) - size[rows], endpoint=True
        )
    return np.concatenate([corner, corner + size], axis=1).astype(np.int16)
