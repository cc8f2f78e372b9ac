"""Sums over the labelled rectangles of a frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int16, Shaped

from irislib.interpret.upsampling import interpolation


@dataclass(frozen=True)
class Boxes:
    """The labelled rectangles of a frame, those of the world first; pixels outside them have no label.

    Attributes:
        frame: height and width, in pixels.
        corners: (y0, x0, y1, x1) of each, half open.
        world: how many show the world; the others are the display's.
    """

    frame: tuple[int, int]
    corners: Int16[np.ndarray, "box 4"]
    world: int

    def __len__(self) -> int:
        return len(self.corners)

    @property
    def area(self) -> Shaped[np.ndarray, " box"]:
        """Pixels of each, int64."""
        y0, x0, y1, x1 = self.corners.T.astype(np.int64)
        pixels: np.ndarray = (y1 - y0) * (x1 - x0)
        return pixels

    def sum_pixels(self, pixels: Shaped[np.ndarray, "n height width"]) -> Shaped[np.ndarray, "n box"]:
        """Sums over the pixels of each rectangle, by integral images.

        Args:
            pixels: bool or integers, whose sums are exact int64, or floats, summed in float64.
        """
        kind = np.float64 if np.issubdtype(pixels.dtype, np.floating) else np.int64
        integral = np.zeros((len(pixels), self.frame[0] + 1, self.frame[1] + 1), kind)
        pixels.cumsum(axis=1, dtype=kind, out=integral[:, 1:, 1:])
        integral[:, 1:, 1:].cumsum(axis=2, out=integral[:, 1:, 1:])
        y0, x0, y1, x1 = self.corners.T
        total: np.ndarray = (
            integral[:, y1, x1] - integral[:, y0, x1] - integral[:, y1, x0] + integral[:, y0, x0]
        )
        return total

    def weights(self, grid: tuple[int, ...]) -> Float32[np.ndarray, "position box"]:
        """How each value of a map spreads over the rectangles when the map is upsampled bilinearly.

        Upsampling is linear, so a map's mass on every rectangle is the map, row by row, times this matrix.

        Args:
            grid: rows and columns of a map.
        """
        rows, columns = (
            _sum_between(interpolation(count, side), self.corners[:, axis], self.corners[:, axis + 2])
            for axis, (count, side) in enumerate(zip(grid, self.frame, strict=True))
        )
        spread: np.ndarray = (rows[:, None, :] * columns[None, :, :]).reshape(-1, len(self))
        return spread.astype(np.float32)

    def patches(self, grid: tuple[int, ...]) -> Float32[np.ndarray, "position box"]:
        """Area, in pixels, that the patch of each position of a grid shares with each rectangle.

        Patches divide the frame evenly, so their sides need not be whole pixels.

        Args:
            grid: rows and columns of tokens.
        """
        shared = [
            _overlap(extent, count, self.corners[:, axis], self.corners[:, axis + 2])
            for axis, (extent, count) in enumerate(zip(self.frame, grid, strict=True))
        ]
        area: np.ndarray = shared[0][:, None, :] * shared[1][None, :, :]
        return area.reshape(-1, len(self)).astype(np.float32)


def _sum_between(
    weights: Float32[np.ndarray, "pixel cell"], first: np.ndarray, last: np.ndarray
) -> Float64[np.ndarray, "cell n"]:
    """Sums of each cell's weights over the pixels from `first` to `last` - 1."""
    pixel = np.arange(len(weights))[:, None]
    inside = (pixel >= first) & (pixel < last)
    total: np.ndarray = weights.T.astype(np.float64) @ inside
    return total


def _overlap(extent: int, count: int, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Length that each of `count` equal parts of an extent shares with each interval, float64 [count,n]."""
    edges = np.arange(count + 1) * extent / count
    upper, lower = np.minimum(edges[1:, None], last), np.maximum(edges[:-1, None], first)
    length: np.ndarray = np.maximum(0, upper - lower)
    return length
