"""Crafter as a world: the published game (Hafner 2021, version 1.8.3), made repeatable, with its truth.

As published, Crafter has gym's old interface, and the same seed and actions diverge between two processes,
because it draws from a set in the order of memory addresses. Pixels, rewards and rules are not changed.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import crafter
import numpy as np
from annotated_types import Ge
from crafter import constants, objects
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete
from jaxtyping import Int16, UInt8

from irislib.params import STRICT, require
from irislib.worlds.scenes import SceneSource
from irislib.worlds.world import Frame, World, WorldConfig, WorldDescription, grid_boxes

GRID = 9  # cells along each side of a frame
VIEW = (7, 9)  # rows and columns that show the world, the player in the middle; below them is the inventory
LARGEST = 9  # the game's limit of every item

_KINDS = (
    objects.Player,
    objects.Cow,
    objects.Zombie,
    objects.Skeleton,
    objects.Arrow,
    objects.Plant,
    objects.Fence,
)
LABEL_NAMES: tuple[str, ...] = ("outside", *constants.materials, *(kind.__name__.lower() for kind in _KINDS))
ITEM_NAMES: tuple[str, ...] = tuple(constants.items)
ACHIEVEMENT_NAMES: tuple[str, ...] = tuple(constants.achievements)
ACTION_NAMES: tuple[str, ...] = tuple(constants.actions)
_LABEL_OF_KIND = {kind: LABEL_NAMES.index(kind.__name__.lower()) for kind in _KINDS}


@dataclass(frozen=True)
class CrafterConfig(WorldConfig):
    """The `env` section for Crafter.

    Attributes:
        world: the name that chooses this world.
        length: steps after which an episode is cut off.
        frame_size: pixels along each side of a frame: 9 n or 9 n + 1, since Crafter draws a border around its
            cells for other sizes. The size belongs to the game: the noise of the night takes one draw a
            pixel from the world's generator.
    """

    __pydantic_config__ = STRICT
    world: Literal["crafter"] = "crafter"
    length: Annotated[int, Ge(1)] = 10_000
    frame_size: Annotated[int, Ge(4 * GRID)] = 64

    def __post_init__(self) -> None:
        rest = self.frame_size % GRID
        remedy = f"use {self.frame_size - rest + 1} or {self.frame_size - rest + GRID}"
        require(
            rest <= 1,
            "frame_size",
            f"{self.frame_size} pixels leave a border around {GRID} x {GRID} cells; {remedy}",
        )

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of the frames, in pixels."""
        return self.frame_size, self.frame_size

    @property
    def cell(self) -> int:
        """Pixels along each side of a cell."""
        return self.frame_size // GRID

    def make(self) -> "CrafterWorld":
        """A new game."""
        return CrafterWorld(self)

    def describe(self) -> WorldDescription:
        """7 x 9 cells of the world, row by row, above 2 x 9 cells of the inventory."""
        boxes = cell_boxes(self.cell)
        shown = VIEW[0] * VIEW[1]
        return WorldDescription(
            labels=LABEL_NAMES,
            world_boxes=boxes[:shown],
            display_boxes=boxes[shown:],
            hidden_label="asleep",
            quantities=ITEM_NAMES,
            # Every item has a cell of its own, in the order of the inventory, whatever else is held.
            quantity_box=np.arange(len(ITEM_NAMES), dtype=np.int16),
            quantity_limit=LARGEST,
            goals=ACHIEVEMENT_NAMES,
            actions=ACTION_NAMES,
        )

    def warm_up(self) -> None:
        """Lets numba compile world generation."""
        warm_up()

    def scenes(self) -> SceneSource:
        """Staged scenes and random play."""
        from irislib.worlds.crafter.scenes import CrafterScenes  # which imports this module

        return CrafterScenes(self)


def cell_boxes(cell: int) -> Int16[np.ndarray, "cell 4"]:
    """Rectangles of the 9 x 9 cells of a frame, row by row, each `cell` pixels a side."""
    return grid_boxes(GRID, GRID, cell)


class CrafterWorld(World):
    """The game with its ground truth; see `World` for `info`.

    The reward is Crafter's: 1 for a step that unlocks an achievement, and 0.1 for each point of health won,
    minus 0.1 for each point lost. Death terminates an episode; its length truncates it. The world is
    hidden while the player sleeps, who sees it in dark shades of grey. A day has 300 steps; below a daylight
    of 0.5 the game adds noise to the frame. Quantities are the inventory's items, goals the achievements.
    """

    def __init__(self, config: CrafterConfig) -> None:
        self.description = config.describe()
        self.observation_space = Box(0, 255, (config.frame_size, config.frame_size, 3), np.uint8)
        self.action_space = Discrete(len(ACTION_NAMES))
        self._length = config.length
        self._game = _Game(config.frame_size)
        self._steps_left = 0
        self._achieved = np.zeros(len(ACHIEVEMENT_NAMES), np.int64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Begins the episode that `seed` determines: the first one of `crafter.Env(seed=seed)`."""
        super().reset(seed=seed)
        obs, known = self._game.begin(int(self.np_random.integers(2**31)) if seed is None else seed)
        self._steps_left = self._length
        return obs, self._info(known)

    def step(self, action: np.int64) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Takes the action of that index in ACTION_NAMES. Raises ResetNeeded outside an episode."""
        if not self._steps_left:
            raise ResetNeeded("the episode is over or never began; call reset first")
        obs, reward, _, known = self._game.step(action)
        terminated = known["discount"] == 0
        self._steps_left = 0 if terminated else self._steps_left - 1
        return obs, float(reward), terminated, not (terminated or self._steps_left), self._info(known)

    def _info(self, known: Mapping[str, Any]) -> dict[str, Any]:
        before, self._achieved = self._achieved, np.array([*known["achievements"].values()])
        return {
            "label": known["semantic"].reshape(-1),
            "quantity": np.array([*known["inventory"].values()], np.uint8),
            "hidden": self._game.asleep,
            "daylight": float(self._game._world.daylight),
            "goal": self._achieved > before,
        }


@functools.cache
def warm_up() -> None:
    """Lets numba compile world generation (seconds, once a machine) before several processes need it."""
    _Game(size=4 * GRID).reset()


class _Game(crafter.Env):  # type: ignore[misc]
    """The published game, made repeatable, with a map of the player's surroundings."""

    def __init__(self, size: int) -> None:
        super().__init__(size=(size, size), length=None, seed=0)
        # `step` calls this for its info; the published map of the whole world is slower and fails on fences.
        self._sem_view = self._look_around

    def begin(self, seed: int) -> tuple[Frame, dict[str, Any]]:
        """The first frame of the episode with this seed, and what `step` would tell of it."""
        self._seed, self._episode = seed, 0
        obs, player = self.reset(), self._player
        known = {"inventory": player.inventory, "achievements": player.achievements}
        return obs, {"semantic": self._look_around(), **known}

    @property
    def asleep(self) -> bool:
        """Whether the player sleeps."""
        return bool(self._player.sleeping)

    def _balance_chunk(self, chunk: tuple[int, ...], objs: Iterable[Any]) -> None:
        # `objs` is a set, which runs in the order of memory addresses, and one drawn by its place vanishes.
        super()._balance_chunk(chunk, sorted(objs, key=lambda obj: self._world._obj_map[tuple(obj.pos)]))

    def _look_around(self) -> UInt8[np.ndarray, "row column"]:
        world, view = self._world, np.array(VIEW[::-1])  # the world is indexed [x, y]
        corner = self._player.pos - view // 2
        (x0, y0), (x1, y1) = np.maximum(corner, 0), np.minimum(corner + view, world.area)
        labels = world._mat_map[x0:x1, y0:y1].copy()
        standing = world._obj_map[x0:x1, y0:y1]
        for x, y in np.argwhere(standing):
            labels[x, y] = _LABEL_OF_KIND[type(world._objects[standing[x, y]])]
        seen = np.zeros(view, np.uint8)
        seen[x0 - corner[0] : x1 - corner[0], y0 - corner[1] : y1 - corner[1]] = labels
        return seen.T
