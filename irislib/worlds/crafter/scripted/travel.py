"""Shortest ways over the map, by Dijkstra's algorithm."""

import functools

import numpy as np
from jaxtyping import Bool, Int64
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

Cell = tuple[int, int]  # x and y; also a difference of two cells

STEP = 8  # cost of entering a free cell, to which `taste` adds less than this
DIG = 16  # what digging adds
_FAR = 2**30  # more than any way costs


class Travel:
    """Ways from one cell to all others.

    A cell that can neither be entered nor dug through can still be the end of a way: it is faced from a
    neighbouring cell.

    Args:
        start: where the ways begin.
        free: cells that can be entered at once.
        diggable: cells that can be entered after digging.
        taste: whole numbers from 0 to `STEP` - 1 that are added to the cost of each cell.
    """

    def __init__(
        self,
        start: Cell,
        free: Bool[np.ndarray, "x y"],
        diggable: Bool[np.ndarray, "x y"],
        taste: Int64[np.ndarray, "x y"],
    ) -> None:
        self.start, self._shape = start, free.shape
        source, target, begins = _edges(free.shape)
        leave = free | diggable
        leave[start] = True
        cost = (STEP + taste + DIG * diggable).reshape(-1)
        weight = np.where(leave.reshape(-1)[source], cost[target], np.inf)
        graph = csr_array((weight, target, begins), shape=(free.size, free.size))
        origin = int(np.ravel_multi_index(start, free.shape))
        # The limit keeps the algorithm from following edges of infinite weight.
        self.cost, self._previous = dijkstra(graph, indices=origin, return_predecessors=True, limit=_FAR)

    def nearest(self, wanted: Bool[np.ndarray, "x y"], within: int | None = None) -> Cell | None:
        """The wanted cell with the cheapest way, the start left out; None if no way leads to any.

        Args:
            wanted: the cells to choose from.
            within: the way costs at most as much as so many steps over free cells of the dearest taste; what
                is avoided makes it seem longer.
        """
        cost = np.where(wanted.reshape(-1), self.cost, np.inf)
        cost[np.ravel_multi_index(self.start, self._shape)] = np.inf
        best = int(cost.argmin())
        limit = np.inf if within is None else within * 2 * STEP
        return None if not np.isfinite(cost[best]) or cost[best] > limit else self._cell(best)

    def reachable(self) -> Bool[np.ndarray, "x y"]:
        """Cells to which a way leads."""
        reached: np.ndarray = np.isfinite(self.cost).reshape(self._shape)
        return reached

    def first_step(self, target: Cell) -> Cell:
        """The first cell after the start on the way to a reachable cell."""
        at, origin = (int(np.ravel_multi_index(cell, self._shape)) for cell in (target, self.start))
        while self._previous[at] != origin:
            at = int(self._previous[at])
        return self._cell(at)

    def _cell(self, index: int) -> Cell:
        x, y = np.unravel_index(index, self._shape)
        return int(x), int(y)


def shift(cell: Cell, direction: Cell) -> Cell:
    """The neighbouring cell in that direction."""
    return cell[0] + direction[0], cell[1] + direction[1]


@functools.cache
def _edges(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The source and the target of each edge between neighbours, and where each source's edges begin."""
    index = np.arange(shape[0] * shape[1]).reshape(shape)
    pairs = np.concatenate(
        [
            np.stack([one.ravel(), other.ravel()], axis=1)
            for a, b in ((index[1:], index[:-1]), (index[:, 1:], index[:, :-1]))
            for one, other in ((a, b), (b, a))
        ]
    )
    source, target = pairs[np.lexsort(pairs.T[::-1])].T.astype(np.int32)
    return source, target, np.searchsorted(source, np.arange(index.size + 1)).astype(np.int32)
