"""What the page shows of codes as pixels and maps: average maps, distinct crops, frames of several codes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from irislib.interpret.upsampling import upsample
from irislib.report.inputs import Inputs

Array = np.ndarray

CHUNK = 4096  # maps at once
BLOCK = 1024  # frames at once
FINEST = 8  # cells a side of an average map on the page


def distinct_crops(inputs: Inputs) -> pd.DataFrame:
    """Code and embedding of the codes' crops by their row; of a code's crops with equal pixels the first."""
    code, embedding = inputs.crops.read("crop_code"), inputs.embeddings.read("crop_embedding")
    crops = pd.DataFrame({"code": code, "embedding": embedding})
    return crops[~inputs.crops.read("crop_random")].drop_duplicates()


def read_crops(inputs: Inputs, rows: Array) -> list[Array]:
    """The pixels u8 [h,w,3] of crops by their rows, int [n]."""
    steps, boxes = inputs.crops.read("crop_step")[rows], inputs.crops.read("crop_box")[rows]
    order = np.argsort(steps, kind="stable")
    crops: list[Array] = [np.zeros(0)] * len(rows)
    # Block by block: picking frames out of compressed chunks one by one takes several times as long.
    for block in np.split(order, np.flatnonzero(np.diff(steps[order] // BLOCK)) + 1):
        begin = int(steps[block[0]]) // BLOCK * BLOCK if len(block) else 0
        frames = inputs.rollouts.read("obs", slice(begin, begin + BLOCK))
        for row in block:
            y0, x0, y1, x1 = boxes[row]
            crops[row] = frames[steps[row] - begin, y0:y1, x0:x1].copy()
    return crops


@dataclass(frozen=True)
class Lit:
    """The present pairs whose map is not empty, by code and then by step.

    Attributes:
        start: int64 [K+1], where the pairs of each code begin.
        step, map: int32 [P], the observation and the map of each.
    """

    start: Array
    step: Array
    map: Array

    def steps_of(self, code: int) -> Array:
        """The observations in which a code's map is not empty, int32, ascending."""
        steps: Array = self.step[self.start[code] : self.start[code + 1]]
        return steps

    def together(self, codes: tuple[int, ...]) -> Array:
        """The observations in which none of these codes' maps is empty, ascending."""
        steps = self.steps_of(codes[0])
        for code in codes[1:]:
            steps = np.intersect1d(steps, self.steps_of(code), assume_unique=True)
        return steps

    def map_of(self, code: int, step: int) -> int:
        """The map of a code in an observation where it is not empty."""
        return int(self.map[self.start[code] + np.searchsorted(self.steps_of(code), step)])


def read_lit(inputs: Inputs) -> Lit:
    """Who has which map that is not empty."""
    occurrence_map = inputs.heatmaps.read("occurrence_map")
    seen = np.flatnonzero((inputs.heatmaps.read("map_raw_max") > 0)[occurrence_map])
    code = inputs.heatmaps.read("map_code")[occurrence_map[seen]]
    step = inputs.heatmaps.read("occurrence_step")[seen]
    order = np.lexsort((step, code))
    start = np.searchsorted(code[order], np.arange(len(inputs.codes) + 1))
    return Lit(start, step[order], occurrence_map[seen][order])


def average_maps(inputs: Inputs) -> dict[int, Array]:
    """The mean of each code's non-empty maps over observations, float64 [h,w] in [0,1], its maximum 1.

    Every map counts alike, whatever its scale; maps finer than `FINEST` cells a side are averaged down.
    """
    lit = read_lit(inputs)
    times = np.bincount(lit.map, minlength=len(inputs.heatmaps))
    owner = inputs.heatmaps.read("map_code")
    height, width = inputs.heatmaps.array("heatmap").shape[1:]
    fine = tuple(-(-side // FINEST) for side in (height, width))
    total = np.zeros((len(inputs.codes), -(-height // fine[0]), -(-width // fine[1])))
    for begin in range(0, len(owner), CHUNK):
        rows = slice(begin, begin + CHUNK)
        shown = np.flatnonzero(times[rows])
        maps = _block_means(inputs.heatmaps.read("heatmap", rows)[shown].astype(np.float64), fine)
        maps /= maps.max((1, 2), keepdims=True)
        np.add.at(total, owner[rows][shown], maps * times[rows][shown, None, None])
    return {int(code): total[code] / total[code].max() for code in np.flatnonzero(total.any((1, 2)))}


def _block_means(maps: Array, size: tuple[int, ...]) -> Array:
    """Means over blocks of maps [n,h,w]; blocks at the far edges may be smaller."""
    for axis, side in enumerate(size, start=1):
        starts = np.arange(0, maps.shape[axis], side)
        lengths = np.diff(np.append(starts, maps.shape[axis]))
        shape = [1, 1, 1]
        shape[axis] = len(lengths)
        maps = np.add.reduceat(maps, starts, axis=axis) / lengths.reshape(shape)
    return maps


def overlay(frame: Array, maps: Array, colours: list[tuple[int, int, int]], most: float = 0.65) -> Array:
    """A frame under several maps, each laid over it in its colour, u8 [H,W,3].

    Args:
        frame: u8 [H,W,3].
        maps: float32 [n,h,w], not empty.
        colours: of the maps.
        most: opacity where a map is highest.
    """
    heat = upsample(maps, frame.shape[:2])
    heat = most * heat / heat.max((1, 2), keepdims=True)
    shown = frame.astype(np.float64)
    for one, colour in zip(heat[..., None], colours, strict=False):
        shown = (1 - one) * shown + one * np.array(colour)
    return shown.round().astype(np.uint8)


def peak(frame: tuple[int, ...], one: Array) -> tuple[float, float]:
    """Where a map [h,w], laid over a frame (H, W), is highest: down and across, as shares of its sides."""
    large = upsample(one[None], frame)[0]
    # The middle of a plateau: a map of two equal cells is not only the first of them.
    ys, xs = np.nonzero(large == large.max())
    nearest = np.hypot(ys - ys.mean(), xs - xs.mean()).argmin()
    return (ys[nearest] + 0.5) / frame[0], (xs[nearest] + 0.5) / frame[1]
