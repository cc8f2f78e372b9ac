"""A batch is cut into parts; a thread computes each, and what they give is summed in order.

The sum of floating-point numbers depends on their order, and torch's own threads divide a sum by how many
they are. Here the parts are fixed by the size of the batch alone and each is computed on one thread, so the
bits are the same for any number of threads, and for any number of ranks up to the number of parts.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch

from irislib import ranks
from irislib.errors import ParamError

PARTS = 4  # of a batch on CPUs; it decides bits. A GPU computes its share of a batch whole.

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Part:
    """Some rows of a batch.

    Attributes:
        number: among the parts of the whole batch, from 0.
        rows: of the whole batch.
        rank: the process that computes it.
    """

    number: int
    rows: slice
    rank: int

    @property
    def size(self) -> int:
        """How many rows."""
        return int(self.rows.stop - self.rows.start)


@dataclass(frozen=True)
class Division:
    """A batch of `size` rows and its parts, in order; each rank computes a run of them."""

    size: int
    parts: tuple[Part, ...]

    @property
    def own(self) -> list[Part]:
        """This rank's parts."""
        return [part for part in self.parts if part.rank == ranks.rank()]

    @property
    def owners(self) -> list[int]:
        """The rank that computes each part."""
        return [part.rank for part in self.parts]

    @property
    def own_rows(self) -> slice:
        """This rank's rows of the batch."""
        return slice(self.own[0].rows.start, self.own[-1].rows.stop)


def divide(size: int, key: str, device: torch.device) -> Division:
    """Cuts a batch into parts, and these among the ranks.

    Args:
        size: rows of the whole batch.
        key: the parameter that sets it, for the error.

    Raises:
        ParamError: there are more ranks than rows.
    """
    world = ranks.world_size()
    if size < world:
        raise ParamError(f"{key}: {size} cannot be shared by {world} ranks; use at least {world}")
    pieces = cut(size, max(PARTS, world) if device.type == "cpu" else world)
    parts = (Part(i, rows, i * world // len(pieces)) for i, rows in enumerate(pieces))
    return Division(size, tuple(parts))


def cut(size: int, parts: int) -> list[slice]:
    """Slices of 0 to `size` in so many parts, or in `size` where that is fewer; the longer ones first."""
    parts = min(parts, size)
    sizes = [size // parts + (i < size % parts) for i in range(parts)]
    return [slice(sum(sizes[:i]), sum(sizes[: i + 1])) for i in range(parts)]


class Pool:
    """Threads that compute parts side by side; torch's own kernels use a single thread in each of them.

    Args:
        threads: 1 computes everything in the calling thread, which then must be limited to one thread of
            torch's as well (`device.one_thread`): the same bits.
    """

    def __init__(self, threads: int) -> None:
        self._threads = None
        if threads > 1:
            self._threads = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))

    def map(self, compute: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """What `compute` makes of each item, in the items' order."""
        return list(map(compute, items) if self._threads is None else self._threads.map(compute, items))
