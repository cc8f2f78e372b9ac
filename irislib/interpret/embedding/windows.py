"""What a window of a frame shows: the share of each label among its pixels, from the simulator's truth.

A label is what stands in a cell: of the local view the simulator's own label, of the inventory below it an
item with its number, or nothing.
"""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

NUMBERS = 9  # Crafter's items number at most this many
ITEM = "inventory: "


@dataclass(frozen=True)
class WindowLabels:
    """The labels of windows.

    Attributes:
        local: names of what stands in the local view, as the simulator numbers them.
        items: names of the items of the inventory, which has a cell for each, row by row.
    """

    local: tuple[str, ...]
    items: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.local) + 1 + NUMBERS * len(self.items)

    @property
    def blank(self) -> int:
        """The label of a cell of the inventory without an item, and of the margin beside the cells."""
        return len(self.local)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the things, by `thing`: an item has one name, whatever its number."""
        return (*self.local, f"{ITEM}nothing", *(f"{ITEM}{item}" for item in self.items))

    @property
    def thing(self) -> Array:
        """The index into `names` of each label, int64 [len(self)]."""
        first = len(self.local) + 1
        return np.concatenate([np.arange(first), first + np.repeat(np.arange(len(self.items)), NUMBERS)])

    def of_cells(self, semantic: Array, amounts: Array) -> Array:
        """The label of every cell of a frame.

        Args:
            semantic: u8 [N,rows,columns], of the local view; the frame has `columns` rows in all.
            amounts: u8 [N,I], how many of each item there are.

        Returns:
            int64 [N,columns,columns].
        """
        n, rows, columns = semantic.shape
        first = len(self.local) + 1 + NUMBERS * np.arange(len(self.items))
        held = np.where(amounts > 0, first + np.minimum(amounts, NUMBERS) - 1, self.blank)
        inventory = np.full((n, (columns - rows) * columns), self.blank)
        inventory[:, : len(self.items)] = held
        return np.concatenate([semantic, inventory.reshape(n, -1, columns)], axis=1)


def share_labels(cells: Array, cell: int, box: Array, labels: WindowLabels) -> Array:
    """The share of each label among the pixels of windows.

    Args:
        cells: int [N,C,C], the label of every cell of each window's frame.
        cell: pixels along each side of a cell.
        box: int [N,4], (y0, x0, y1, x1) in pixels, half open, each with a pixel at least.
        labels: how many there are, and which is of the margin beyond the cells.

    Returns:
        float32 [N,L], rows that sum to 1.
    """
    n, side, _ = cells.shape
    # One more row and column: the margin, up to the frame's end.
    edges = np.append(np.arange(side + 1) * cell, np.iinfo(np.int64).max)
    height, width = (
        np.maximum(
            0,
            np.minimum(box[:, None, last], edges[1:]) - np.maximum(box[:, None, last - 2], edges[:-1]),
        )
        for last in (2, 3)
    )
    pixels = height[:, :, None] * width[:, None, :]
    padded = np.pad(cells, ((0, 0), (0, 1), (0, 1)), constant_values=labels.blank)
    index = np.arange(n)[:, None] * len(labels) + padded.reshape(n, -1)
    total = np.bincount(index.ravel(), weights=pixels.ravel(), minlength=n * len(labels))
    total = total.reshape(n, len(labels))
    shares: Array = total / total.sum(axis=1, keepdims=True)
    return shares.astype(np.float32)
