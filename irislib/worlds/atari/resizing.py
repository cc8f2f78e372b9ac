"""A screen becomes a small square frame, and so do its labels."""

from functools import cache

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image


def resize_screen(screen: UInt8[np.ndarray, "row column 3"], size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The screen in `size` x `size` pixels, by Pillow's bilinear filter as in the released IRIS."""
    return np.asarray(Image.fromarray(screen).resize((size, size), Image.Resampling.BILINEAR))


def resize_labels(
    shown: UInt8[np.ndarray, "row column"], size: int, side: int, labels: int
) -> UInt8[np.ndarray, " square"]:
    """The label of each square of a frame, row by row.

    A pixel of the frame has the label that covers most of it. A square has the label of most of its pixels,
    but the background counts only where a square shows nothing else: otherwise small things would have no
    square. Of equal labels the first is taken.

    Args:
        shown: label of each pixel of the screen, below `labels`; the largest is the background.
        size: pixels along each side of the frame.
        side: pixels along each side of a square; divides `size`.
        labels: how many there are.
    """
    pixel, source, area = _overlaps(*shown.shape, size)
    cover = np.bincount(pixel * labels + shown.ravel()[source], area, size * size * labels)
    most = cover.reshape(-1, labels).argmax(axis=1)  # of sums of whole numbers, which are exact
    square = np.arange(size) // side
    square = (square[:, None] * (size // side) + square).ravel()
    count = np.bincount(square * labels + most, minlength=square[-1] * labels + labels).reshape(-1, labels)
    count[:, -1] = count[:, -1] == side * side
    label: np.ndarray = count.argmax(axis=1)
    return label.astype(np.uint8)


@cache
def _overlaps(
    rows: int, columns: int, size: int
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Pairs of a pixel of the frame and a pixel of the screen that share area, and how much.

    The unit of area is a pixel of the screen divided by the number of pixels of the frame: whole numbers.
    """
    (y, row, height), (x, column, width) = _shared(rows, size), _shared(columns, size)
    pixel = (y[:, None] * size + x).ravel()
    source = (row[:, None] * columns + column).ravel()
    return pixel, source, (height[:, None] * width).ravel()


def _shared(extent: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same along one axis; the unit of length is the axis divided by `extent` times `size`."""
    part, pixel = np.arange(size)[:, None], np.arange(extent)
    last, first = np.minimum((part + 1) * extent, (pixel + 1) * size), np.maximum(part * extent, pixel * size)
    at, there = np.nonzero(last > first)
    return at, there, (last - first)[at, there]
