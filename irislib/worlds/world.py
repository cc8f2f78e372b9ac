"""What a world is to the rest of the project: an environment, and a typed description of its ground truth."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import Env
from jaxtyping import Int16, UInt8

from irislib.worlds.scenes import SceneSource

Frame = UInt8[np.ndarray, "height width 3"]


def grid_boxes(rows: int, columns: int, side: int) -> Int16[np.ndarray, "box 4"]:
    """Rectangles of a grid of squares at the upper left of a frame, row by row, `side` pixels a side."""
    corner = side * np.indices((rows, columns)).reshape(2, -1).T
    return np.concatenate([corner, corner + side], axis=1).astype(np.int16)


@dataclass(frozen=True, eq=False)
class WorldDescription:
    """The names and the geometry of a world's ground truth; the same in every episode.

    Rectangles are rows (y0, x0, y1, x1) in pixels of the frame, half open. No two of them overlap; pixels
    that none covers carry no label.

    Attributes:
        labels: name of each value that a label can have.
        world_boxes: the W rectangles that show the world. Each has one label a step.
        display_boxes: the D rectangles that display quantities or nothing, for example the cells of an
            inventory or a score.
        hidden_label: name of the state in which the frame hides the world from the player, for example
            "asleep"; None where that never happens.
        quantities: names of the Q integers that the world counts.
        quantity_box: index into `display_boxes` of the rectangle that shows each quantity, -1 for a
            quantity that is not drawn. A rectangle shows one quantity at most.
        quantity_limit: largest number of a quantity that is drawn.
        goals: names of what a player can achieve; may be empty.
        actions: names of the actions, by their number.
        background: label of what is everywhere and is no thing, for example the colour of the screen behind
            all things. What stands for a part of the frame then has its label only where nothing else is in
            it. None for a world in which all labels count alike.
    """

    labels: tuple[str, ...]
    world_boxes: Int16[np.ndarray, "world_box 4"]
    display_boxes: Int16[np.ndarray, "display_box 4"]
    hidden_label: str | None
    quantities: tuple[str, ...]
    quantity_box: Int16[np.ndarray, " quantity"]
    quantity_limit: int
    goals: tuple[str, ...]
    actions: tuple[str, ...]
    background: str | None = None

    def __post_init__(self) -> None:
        drawn = self.quantity_box[self.quantity_box >= 0]
        fits = (
            len(self.world_boxes) > 0
            and len(self.quantities) == len(self.quantity_box)
            and len(np.unique(drawn)) == len(drawn)
            and drawn.max(initial=-1) < len(self.display_boxes)
            and self.hidden_label not in self.labels
            and (self.background is None or self.background in self.labels)
        )
        if not fits:
            raise ValueError(
                "quantities without a rectangle of their own, labels that do not fit, or no rectangle of "
                "the world"
            )

    def to_attributes(self) -> dict[str, Any]:
        """JSON values from which `from_attributes` makes the description again."""
        return {
            "label_names": list(self.labels),
            "world_boxes": self.world_boxes.tolist(),
            "display_boxes": self.display_boxes.tolist(),
            "hidden_label": self.hidden_label,
            "quantity_names": list(self.quantities),
            "quantity_box": self.quantity_box.tolist(),
            "quantity_limit": self.quantity_limit,
            "goal_names": list(self.goals),
            "action_names": list(self.actions),
            **({} if self.background is None else {"background": self.background}),
        }

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> "WorldDescription":
        """Reads what `to_attributes` made. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            labels=tuple(attributes["label_names"]),
            world_boxes=np.array(attributes["world_boxes"], np.int16).reshape(-1, 4),
            display_boxes=np.array(attributes["display_boxes"], np.int16).reshape(-1, 4),
            hidden_label=attributes["hidden_label"],
            quantities=tuple(attributes["quantity_names"]),
            quantity_box=np.array(attributes["quantity_box"], np.int16),
            quantity_limit=int(attributes["quantity_limit"]),
            goals=tuple(attributes["goal_names"]),
            actions=tuple(attributes["action_names"]),
            background=attributes.get("background"),
        )


class World(Env[np.ndarray, np.int64], ABC):
    """A gymnasium environment that tells its ground truth.

    Observations are u8 [H,W,3]. The seed given to `reset` alone determines an episode, in any process.
    `info`, at a reset and at every step, describes the state that the observation shows:
        label: u8 [W], index into `description.labels` of what stands in each of `world_boxes`, even where
            the world is hidden.
        quantity: u8 [Q], each of `description.quantities`.
        hidden: bool, whether the frame hides the world (see `hidden_label`).
        daylight: float in [0, 1], how bright the world is: 0 is the darkest night, 1 full day. Always 1 in a
            world without a night.
        goal: bool [G], which of `description.goals` this very step achieved, for the first time or again.
    """

    description: WorldDescription


@dataclass(frozen=True)
class WorldConfig(ABC):
    """The `env` section of params.yaml. Each world derives a frozen dataclass with its own options.

    Attributes:
        world: name of the world; decides which dataclass the section is read into.
        length: steps after which an episode is cut off.
    """

    world: str
    length: int

    @property
    @abstractmethod
    def frame(self) -> tuple[int, int]:
        """Height and width of the frames, in pixels."""

    @abstractmethod
    def make(self) -> World:
        """A new environment."""

    @abstractmethod
    def describe(self) -> WorldDescription:
        """The ground truth's names and geometry, without starting a game."""

    def for_training(self) -> "WorldConfig":
        """The world that an agent learns in, where that differs from the one it is judged in."""
        return self

    def warm_up(self) -> None:  # noqa: B027  # nothing to do by default
        """Compiles or loads once what several processes would otherwise each compile or load."""

    def scenes(self) -> SceneSource | None:
        """Scenes that can teach an embedder; None where the world offers none."""
        return None
