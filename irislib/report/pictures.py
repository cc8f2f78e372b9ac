"""Pixels and maps of codes: distinct crops, average maps, frames under maps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32, Int, UInt8

from irislib.interpret.upsampling import upsample
from irislib.report.inputs import Inputs
from irislib.stores.crops import OWN

CHUNK = 4096  # maps that are read at once
BLOCK = 1024  # frames that are read at once
FINEST = 8  # largest number of rows and columns of an average map


def is_own(inputs: Inputs) -> Bool[np.ndarray, "crops"]:
    """Which crops are those of codes; the others are counterparts, at random places or in other episodes."""
    own: np.ndarray = inputs.crops.read("crop_kind") == OWN
    return own


def distinct_crops(inputs: Inputs) -> pd.DataFrame:
    """The crops of codes, without counterparts and without a code's repeated crops of equal pixels.

    Returns:
        columns code and embedding (row of the features); the index is the row of the crop in its store.
    """
    code, embedding = inputs.crops.read("crop_code"), inputs.embeddings.read("crop_embedding")
    crops = pd.DataFrame({"code": code, "embedding": embedding})
    return crops[is_own(inputs)].drop_duplicates()


def read_crops(inputs: Inputs, rows: Int[np.ndarray, "n"]) -> list[UInt8[np.ndarray, "_ _ 3"]]:
    """The pixels of the crops in these rows of the store."""
    steps, boxes = inputs.crops.read("crop_step")[rows], inputs.crops.read("crop_box")[rows]
    order = np.argsort(steps, kind="stable")
    crops = [np.zeros((0, 0, 3), np.uint8)] * len(rows)
    # Chunks are compressed: to read single frames would take several times as long as to read blocks.
    for block in np.split(order, np.flatnonzero(np.diff(steps[order] // BLOCK)) + 1):
        if len(block) == 0:
            continue
        begin = int(steps[block[0]]) // BLOCK * BLOCK
        frames = inputs.rollouts.read("obs", slice(begin, begin + BLOCK))
        for row in block:
            y0, x0, y1, x1 = boxes[row]
            crops[row] = frames[steps[row] - begin, y0:y1, x0:x1].copy()
    return crops


@dataclass(frozen=True)
class NonEmptyMaps:
    """The occurrences whose map is not empty, sorted by code and then by observation.

    Attributes:
        start: int64 [K+1], index of the first occurrence of each code.
        step: int32 [n], the observation of each occurrence.
        map: int32 [n], the map of each occurrence.
    """

    start: Int[np.ndarray, "codes_and_1"]
    step: Int[np.ndarray, "n"]
    map: Int[np.ndarray, "n"]

    def steps_of(self, code: int) -> Int[np.ndarray, "m"]:
        """The observations in which the map of this code is not empty, ascending."""
        steps: Int[np.ndarray, m] = self.step[self.start[code] : self.start[code + 1]]
        return steps

    def together(self, codes: tuple[int, ...]) -> Int[np.ndarray, "m"]:
        """The observations in which the maps of all these codes are not empty, ascending."""
        steps = self.steps_of(codes[0])
        for code in codes[1:]:
            steps = np.intersect1d(steps, self.steps_of(code), assume_unique=True)
        return steps

    def map_of(self, code: int, step: int) -> int:
        """The map of a code in an observation in which it is not empty."""
        return int(self.map[self.start[code] + np.searchsorted(self.steps_of(code), step)])


def read_non_empty(inputs: Inputs) -> NonEmptyMaps:
    """Finds the occurrences whose change map is not empty."""
    occurrence_map = inputs.changes.read("occurrence_map")
    seen = np.flatnonzero((inputs.changes.read("map_raw_max") > 0)[occurrence_map])
    code = inputs.changes.read("map_code")[occurrence_map[seen]]
    step = inputs.changes.read("occurrence_step")[seen]
    order = np.lexsort((step, code))
    start = np.searchsorted(code[order], np.arange(len(inputs.codes) + 1))
    return NonEmptyMaps(start, step[order], occurrence_map[seen][order])


def read_maps(inputs: Inputs, rows: Int[np.ndarray, "n"] | slice) -> Float32[np.ndarray, "n h w"]:
    """Change maps, each relative to its own largest value."""
    maps: np.ndarray = inputs.changes.read("heatmap", rows).astype(np.float32)
    return maps


def average_maps(inputs: Inputs) -> dict[int, Float[np.ndarray, "h w"]]:
    """The mean of each code's non-empty change maps over observations, scaled to a maximum of 1.

    Each map is first scaled to a maximum of 1, so that all observations have the same weight. Maps with more
    than `FINEST` rows or columns are averaged over blocks.
    """
    times = np.bincount(read_non_empty(inputs).map, minlength=len(inputs.changes))
    owner = inputs.changes.read("map_code")
    height, width = inputs.changes.array("heatmap").shape[1:]
    fine = block_sides((height, width), FINEST)
    total = np.zeros((len(inputs.codes), -(-height // fine[0]), -(-width // fine[1])))
    for begin in range(0, len(owner), CHUNK):
        rows = slice(begin, begin + CHUNK)
        shown = np.flatnonzero(times[rows])
        maps = block_means(read_maps(inputs, rows)[shown].astype(np.float64), fine)
        maps /= maps.max((1, 2), keepdims=True)
        np.add.at(total, owner[rows][shown], maps * times[rows][shown, None, None])
    return {int(code): total[code] / total[code].max() for code in np.flatnonzero(total.any((1, 2)))}


def block_sides(size: tuple[int, ...], finest: int) -> tuple[int, ...]:
    """Sides of the blocks that leave at most `finest` rows and columns of maps of this size."""
    return tuple(-(-side // finest) for side in size)


def block_means(maps: Float[np.ndarray, "n h w"], size: tuple[int, ...]) -> Float[np.ndarray, "n y x"]:
    """Means over blocks of this size; the last block of an axis may be smaller."""
    for axis, side in enumerate(size, start=1):
        starts = np.arange(0, maps.shape[axis], side)
        lengths = np.diff(np.append(starts, maps.shape[axis]))
        shape = [1, 1, 1]
        shape[axis] = len(lengths)
        maps = np.add.reduceat(maps, starts, axis=axis) / lengths.reshape(shape)
    return maps


def overlay(
    frame: UInt8[np.ndarray, "H W 3"],
    maps: Float[np.ndarray, "n h w"],
    colours: list[tuple[int, int, int]],
    most: float = 0.65,
) -> UInt8[np.ndarray, "H W 3"]:
    """Lays maps over a frame, each in its own colour.

    Args:
        maps: maps that are not empty.
        colours: one RGB colour for each map.
        most: opacity at the maximum of a map.
    """
    heat = upsample(maps, frame.shape[:2])
    heat = most * heat / heat.max((1, 2), keepdims=True)
    shown = frame.astype(np.float64)
    for one, colour in zip(heat[..., None], colours, strict=False):
        shown = (1 - one) * shown + one * np.array(colour)
    return shown.round().astype(np.uint8)


def peak(frame: tuple[int, ...], one: Float[np.ndarray, "h w"]) -> tuple[float, float]:
    """Where a map is highest in a frame of size (H, W): (y / H, x / W)."""
    large = upsample(one[None], frame)[0]
    # A map can have several equal maxima; take the one nearest to their centre.
    ys, xs = np.nonzero(large == large.max())
    nearest = np.hypot(ys - ys.mean(), xs - xs.mean()).argmin()
    return (ys[nearest] + 0.5) / frame[0], (xs[nearest] + 0.5) / frame[1]
