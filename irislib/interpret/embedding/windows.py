"""What a window of a frame shows: the share of each label among its pixels, from the ground truth.

Each labelled rectangle of the frame has one window label: a rectangle of the world the label of what stands
there, a rectangle of the display the quantity that it shows together with its number, or nothing.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, Int64, UInt8

from irislib.worlds.world import WorldDescription

SHOWN = "display: "  # begins the names of what the display shows


@dataclass(frozen=True)
class WindowLabels:
    """The window labels of a world.

    Attributes:
        world: names of what stands in the world, by label.
        drawn: names of the quantities that the display shows.
        index: column of each of these among the world's quantities.
        box: rectangle of the display that shows each of these.
        boxes: rectangles of the display in all.
        limit: largest number that is drawn.
    """

    world: tuple[str, ...]
    drawn: tuple[str, ...]
    index: Int64[np.ndarray, " drawn"]
    box: Int64[np.ndarray, " drawn"]
    boxes: int
    limit: int

    @classmethod
    def of(cls, description: WorldDescription, hidden: bool = False) -> "WindowLabels":
        """The window labels of a world.

        Args:
            description: of the world.
            hidden: whether the state that hides the world is a label, the last of the world's.
        """
        index = np.flatnonzero(description.quantity_box >= 0)
        more = (description.hidden_label,) if hidden and description.hidden_label is not None else ()
        return cls(
            world=(*description.labels, *more),
            drawn=tuple(description.quantities[i] for i in index),
            index=index.astype(np.int64),
            box=description.quantity_box[index].astype(np.int64),
            boxes=len(description.display_boxes),
            limit=description.quantity_limit,
        )

    def __len__(self) -> int:
        return len(self.world) + 1 + self.limit * len(self.drawn)

    @property
    def blank(self) -> int:
        """The label of display rectangles that show nothing, and of pixels outside all rectangles."""
        return len(self.world)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the things, by `thing`: a quantity is one thing, whatever its number."""
        return (*self.world, f"{SHOWN}nothing", *(f"{SHOWN}{name}" for name in self.drawn))

    @property
    def thing(self) -> Int64[np.ndarray, " window_label"]:
        """The index into `names` of each label."""
        first = len(self.world) + 1
        return np.concatenate([np.arange(first), first + np.repeat(np.arange(len(self.drawn)), self.limit)])

    def of_boxes(
        self, label: UInt8[np.ndarray, "n world_box"], quantity: UInt8[np.ndarray, "n quantity"]
    ) -> Int64[np.ndarray, "n box"]:
        """The window label of every rectangle of frames, those of the world first.

        Args:
            label: of each rectangle of the world.
            quantity: how many there are of each quantity; more than `limit` look like `limit`.
        """
        first = len(self.world) + 1 + self.limit * np.arange(len(self.drawn))
        number = quantity[:, self.index].astype(np.int64)
        display = np.full((len(label), self.boxes), self.blank, np.int64)
        display[:, self.box] = np.where(number > 0, first + np.minimum(number, self.limit) - 1, self.blank)
        return np.concatenate([label.astype(np.int64), display], axis=1)


def share_labels(
    label: Int[np.ndarray, "n box"],
    boxes: Int[np.ndarray, "box 4"],
    window: Int[np.ndarray, "n 4"],
    labels: WindowLabels,
) -> Float32[np.ndarray, "n window_label"]:
    """The share of each window label among the pixels of windows.

    Args:
        label: window label of every rectangle of each window's frame.
        boxes: (y0, x0, y1, x1) of the rectangles, in pixels, half open.
        window: the same of the windows, each with at least one pixel.
        labels: how many labels there are, and which one pixels outside all rectangles have.

    Returns:
        Rows that sum to 1.
    """
    n, window = len(window), window.astype(np.int64)
    height, width = (
        np.maximum(
            0,
            np.minimum(window[:, None, last], boxes[:, last])
            - np.maximum(window[:, None, last - 2], boxes[:, last - 2]),
        )
        for last in (2, 3)
    )
    pixels = height * width
    whole = (window[:, 2] - window[:, 0]) * (window[:, 3] - window[:, 1])
    index = np.arange(n)[:, None] * len(labels) + label
    total = np.bincount(index.ravel(), weights=pixels.ravel(), minlength=n * len(labels))
    total = total.reshape(n, len(labels))
    total[:, labels.blank] += whole - pixels.sum(axis=1)
    shares: np.ndarray = total / whole[:, None]
    return shares.astype(np.float32)
