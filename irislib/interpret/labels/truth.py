"""The ground truth of recorded play: what stands in each labelled rectangle of each frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int, Shaped, UInt8

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.interpret.boxes import Boxes
from irislib.worlds.world import WorldDescription

ROWS = 256  # that are summed at once: few enough for a processor's cache, even with a thousand rectangles
DISPLAY = "display"  # label of every rectangle that displays quantities or nothing


@dataclass(frozen=True)
class Truth:
    """The ground truth of T observations.

    Attributes:
        boxes: the rectangles; W of them show the world, D are the display's.
        names: of the L labels: the world's, and "display" last.
        label: of each rectangle of the world, below L - 1, even where the world is hidden.
        quantities: names of the Q quantities.
        quantity: how many there are of each.
        background: see `WorldDescription`.
    """

    boxes: Boxes
    names: tuple[str, ...]
    label: UInt8[np.ndarray, "step world_box"]
    quantities: tuple[str, ...]
    quantity: UInt8[np.ndarray, "step quantity"]
    background: str | None = None

    def by_label(
        self, values: Shaped[np.ndarray, "n box"], steps: Int[np.ndarray, " n"]
    ) -> Float64[np.ndarray, "n label"]:
        """Sums of values on rectangles over the rectangles of each label.

        Args:
            values: on each rectangle.
            steps: the observation that gives the labels of each row of `values`.
        """
        labels, world = len(self.names), self.boxes.world
        total = np.zeros((len(values), labels))
        for start in range(0, len(values), ROWS):
            rows = slice(start, start + ROWS)
            some, n = values[rows], len(values[rows])
            index = np.arange(n)[:, None] * labels + self.label[steps[rows]]
            summed = np.bincount(index.ravel(), some[:, :world].ravel(), n * labels)
            total[rows] = summed.reshape(n, labels)
            total[rows, -1] = some[:, world:].sum(axis=1, dtype=values.dtype)
        return total


def read_truth(rollouts: Store) -> Truth:
    """The ground truth of recorded play. Raises ArtifactError where names or rectangles do not fit."""
    description = read_description(rollouts)
    frame = rollouts.array("obs").shape[1:3]
    corners = np.concatenate([description.world_boxes, description.display_boxes])
    label, quantity = rollouts.read("label"), rollouts.read("quantity")
    names = description.labels
    fits = (
        label.shape[1] == len(description.world_boxes)
        and label.max(initial=0) < len(names)
        and quantity.shape[1] == len(description.quantities)
        and bool((corners[:, :2] >= 0).all() and (corners[:, :2] <= corners[:, 2:]).all())
        and bool((corners[:, 2:] <= frame).all())
    )
    if not fits:
        raise ArtifactError(
            f"{rollouts.path}: labels or quantities without a name, or outside the frame; "
            "run the rollout stage again"
        )
    boxes = Boxes((frame[0], frame[1]), corners, len(description.world_boxes))
    named = (*names, DISPLAY)
    return Truth(boxes, named, label, description.quantities, quantity, description.background)


def read_description(rollouts: Store) -> WorldDescription:
    """The world of recorded play. Raises ArtifactError where the store does not describe it."""
    try:
        return WorldDescription.from_attributes(rollouts.attrs)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArtifactError(
            f"{rollouts.path}: does not describe its world ({reason}); run the rollout stage again"
        ) from None
