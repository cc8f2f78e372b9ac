"""A world of the tests' own: frames that are not square, rectangles of odd sizes, no goals."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from gymnasium.spaces import Box, Discrete

from irislib.worlds.world import World, WorldConfig, WorldDescription

FRAME = (48, 64)
COLOURS = np.array([(250, 20, 20), (20, 250, 20), (20, 20, 250)], np.uint8)
DESCRIPTION = WorldDescription(
    labels=("red", "green", "blue"),
    # Pixels between them show nothing.
    world_boxes=np.array([(0, 0, 13, 31), (0, 31, 29, 64), (14, 3, 30, 28), (31, 0, 40, 64)], np.int16),
    display_boxes=np.array([(41, 5, 48, 40)], np.int16),
    hidden_label=None,
    quantities=("steps", "luck"),
    quantity_box=np.array([0, -1], np.int16),
    quantity_limit=5,
    goals=(),
    actions=("stay", "next", "last"),
)


@dataclass(frozen=True)
class TinyConfig(WorldConfig):
    """Its only option is the length of episodes."""

    world: Literal["tiny"] = "tiny"
    length: int = 9

    @property
    def frame(self) -> tuple[int, int]:
        return FRAME

    def make(self) -> World:
        return TinyWorld(self.length)

    def describe(self) -> WorldDescription:
        return DESCRIPTION


class TinyWorld(World):
    """Rectangles change colour at random, the last one as the player decides; the reward is its label."""

    description = DESCRIPTION

    def __init__(self, length: int) -> None:
        self.observation_space = Box(0, 255, (*FRAME, 3), np.uint8)
        self.action_space = Discrete(3)
        self._length = length

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._steps, self._label = 0, self.np_random.integers(0, 3, 4)
        return self._frame(), self._info()

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._steps += 1
        last = (self._label[3] + (0, 1, -1)[action]) % 3
        self._label = np.append(self.np_random.integers(0, 3, 3), last)
        terminated = bool(self.np_random.random() < 0.1)
        over = self._steps >= self._length and not terminated
        return self._frame(), float(last), terminated, over, self._info()

    def _info(self) -> dict[str, Any]:
        return {
            "label": self._label.astype(np.uint8),
            "quantity": np.array([self._steps, 3], np.uint8),
            "hidden": False,
            "daylight": 1.0,
            "goal": np.zeros(0, bool),
        }

    def _frame(self) -> np.ndarray:
        frame = np.zeros((*FRAME, 3), np.uint8)
        for (y0, x0, y1, x1), label in zip(DESCRIPTION.world_boxes, self._label, strict=True):
            frame[y0:y1, x0:x1] = COLOURS[label]
        y0, x0, y1, _ = DESCRIPTION.display_boxes[0]
        frame[y0:y1, x0 : x0 + 7 * min(self._steps, DESCRIPTION.quantity_limit)] = 255
        return frame
