"""The pixels of crops, and which crops are identical."""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Int, UInt8

from irislib.artifacts import Store

ROWS = 1024  # frames in memory at once; whole chunks of the store


def cut_crops(
    rollouts: Store, step: Int[np.ndarray, " n"], box: Int[np.ndarray, "n 4"]
) -> Iterator[UInt8[np.ndarray, "_ _ 3"]]:
    """Cuts boxes out of frames, reading each block of frames once.

    Args:
        rollouts: the recorded play.
        step: the frame of each box, ascending.
        box: (y0, x0, y1, x1), half open, in pixels.

    Yields:
        The pixels of each box, in the order given.
    """
    for block in np.unique(step // ROWS):
        first = int(block) * ROWS
        frames = rollouts.read("obs", slice(first, first + ROWS))
        for row in range(*np.searchsorted(step, [first, first + ROWS])):
            y0, x0, y1, x1 = box[row]
            yield frames[step[row] - first, y0:y1, x0:x1].copy()


def find_identical(
    crops: Iterable[UInt8[np.ndarray, "_ _ 3"]],
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " groups"]]:
    """Groups crops with the same shape and the same pixels, by a 128-bit hash.

    Returns:
        int32, the group of each crop, numbered by first appearance; and int64, the first crop of each group.
    """
    groups: dict[bytes, int] = {}
    group: list[int] = []
    first: list[int] = []
    for row, crop in enumerate(crops):
        key = hashlib.blake2b(np.array(crop.shape).tobytes(), digest_size=16)
        key.update(crop.tobytes())
        number = groups.setdefault(key.digest(), len(groups))
        if number == len(first):
            first.append(row)
        group.append(number)
    return np.array(group, np.int32), np.array(first, np.int64)
