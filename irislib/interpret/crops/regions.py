"""Regions under the maps: connected components of thresholded maps (docs/protocol.md, step 5)."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from jaxtyping import Bool, Float, Int, Real
from scipy import ndimage

from irislib.artifacts import Store
from irislib.interpret.upsampling import upsample
from irislib.params import STRICT
from irislib.runtime import progress

ROWS = 1024  # maps upsampled at once


@dataclass(frozen=True)
class CropConfig:
    """The `crop` section.

    Attributes:
        threshold: a region's pixels have at least this share of the maximum of the upsampled map.
        min_area: smallest area of a region's bounding box, in pixels; smaller regions are dropped.
        max_per_code: largest number of crops of a code. Where there are more candidates, they are drawn at
            random, evenly over the episodes, the same observations first for every code, none that hides the
            world.
        connectivity: 1: pixels that share a side are connected; 2: also pixels that share a corner.
    """

    __pydantic_config__ = STRICT
    threshold: Annotated[float, Gt(0), Le(1)]
    min_area: Annotated[int, Ge(1)]
    max_per_code: Annotated[int, Ge(1)]
    connectivity: Literal[1, 2]


def crop_config(crops: Store) -> CropConfig:
    """The `crop` section that crops.zarr was made with."""
    names = ("threshold", "min_area", "max_per_code", "connectivity")
    return CropConfig(**{name: crops.attrs[name] for name in names})


def threshold_masks(
    maps: Real[np.ndarray, "n h w"], frame: tuple[int, ...], threshold: float
) -> Bool[np.ndarray, "n H W"]:
    """The pixels at which the upsampled map has at least a share of its maximum, and more than 0.

    Args:
        maps: after the ReLU, in any unit.
        frame: (H, W).
        threshold: share of each map's own maximum, in (0, 1].
    """
    large = upsample(maps, frame)
    masks: np.ndarray = (large >= threshold * large.max((1, 2), keepdims=True)) & (large > 0)
    return masks


def find_boxes(
    masks: Bool[np.ndarray, "n H W"], min_area: int, connectivity: int
) -> tuple[Int[np.ndarray, " regions"], Int[np.ndarray, "regions 4"]]:
    """Bounding boxes of the connected components of each mask.

    Args:
        masks: one for each map.
        min_area: smallest area of a box, in pixels.
        connectivity: see `CropConfig`.

    Returns:
        int64, the mask of each region, ascending; and int16, its box (y0, x0, y1, x1), half open. The regions
        of one mask are in reading order of their first pixels.
    """
    # The whole stack is labelled at once: a pixel has neighbours in its own mask only.
    neighbours = np.zeros((3, 3, 3), bool)
    neighbours[1] = ndimage.generate_binary_structure(2, connectivity)
    labels, _ = ndimage.label(masks, neighbours)
    found = ndimage.find_objects(labels)
    edges = np.array([[m.start, y.start, x.start, y.stop, x.stop] for m, y, x in found], np.int64)
    edges = edges.reshape(-1, 5)
    area = (edges[:, 3] - edges[:, 1]) * (edges[:, 4] - edges[:, 2])
    edges = edges[area >= min_area]
    return edges[:, 0], edges[:, 1:].astype(np.int16)


def find_regions(
    maps: Real[np.ndarray, "n h w"], frame: tuple[int, ...], config: CropConfig
) -> tuple[Int[np.ndarray, " regions"], Int[np.ndarray, "regions 4"]]:
    """The regions of maps after the ReLU, as `find_boxes` returns them. An empty map has no region."""
    return find_boxes(threshold_masks(maps, frame, config.threshold), config.min_area, config.connectivity)


def read_regions(
    store: Store, frame: tuple[int, ...], config: CropConfig
) -> tuple[Int[np.ndarray, " regions"], Int[np.ndarray, "regions 4"]]:
    """The regions of all maps of a store (heatmaps.zarr or changes.zarr), as `find_boxes` returns them."""
    found = []
    for start in progress(range(0, len(store), ROWS), desc="regions", unit="block"):
        rows, boxes = find_regions(store.read("heatmap", slice(start, start + ROWS)), frame, config)
        found.append((start + rows, boxes))
    region_map, region_box = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return region_map, region_box


def region_levels(
    maps: Float[np.ndarray, "n h w"], frame: tuple[int, ...], min_area: int, connectivity: int
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """The highest threshold at which each map has a region, found without choosing one threshold.

    As a threshold falls, regions grow and merge, so a map that has a region at one threshold has one at every
    lower threshold. The highest is a value of the upsampled map, found by bisection over its sorted values.

    Args:
        maps: after the ReLU.
        frame: (H, W).
        min_area: see `CropConfig`.
        connectivity: see `CropConfig`.

    Returns:
        `level`, the largest value at which the map has a region, 0 where it has none at any; and `peak`, the
        maximum of the upsampled map. `find_regions` finds a region exactly where level > 0 and
        level >= threshold * peak.
    """
    large = upsample(maps, frame)
    values = np.sort(large.reshape(len(large), -1), axis=1)[:, ::-1]
    positive = np.count_nonzero(values > 0, axis=1)
    # The answer is values[:, first]; `first` lies in [low, high], where high = positive stands for no region.
    low, high, rows = np.zeros(len(maps), np.int64), positive.copy(), np.arange(len(maps))
    while (open_ := np.flatnonzero(low < high)).size:
        # A map has regions soon below its peak, so the first probes are few pixels, then ever more.
        middle = np.minimum((low[open_] + high[open_]) // 2, 2 * low[open_] + min_area)
        masks = large[open_] >= values[open_, middle][:, None, None]
        found = np.isin(np.arange(len(open_)), find_boxes(masks, min_area, connectivity)[0])
        high[open_[found]] = middle[found]
        low[open_[~found]] = middle[~found] + 1
    level = np.where(low < positive, values[rows, np.minimum(low, values.shape[1] - 1)], 0)
    return level.astype(large.dtype), values[:, 0]
