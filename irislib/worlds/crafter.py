"""Crafter behind the gymnasium interface: repeatable, and saying what stands where.

Crafter as published (Hafner 2021, version 1.8.3) speaks gym's old interface, and the same seed and actions
part ways between two processes (DESIGN.md, facts). Its pixels, rewards and rules are left as they are.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import crafter
import numpy as np
import numpy.typing as npt
from annotated_types import Ge
from crafter import constants, objects
from gymnasium import Env
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete

from irislib.params import STRICT, require

Frame = npt.NDArray[np.uint8]

GRID = 9  # cells along each side of a frame
VIEW = (7, 9)  # rows and columns that show the world, the player in the middle; below them is the inventory

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
class EnvConfig:
    """The `env` section.

    Attributes:
        size: pixels along each side of a frame: 9 n or 9 n + 1, else Crafter draws a border around its cells.
            It belongs to the game: the noise of the night takes a draw a pixel from the world's generator.
        length: steps after which an episode is cut off.
    """

    __pydantic_config__ = STRICT
    size: Annotated[int, Ge(4 * GRID)] = 64
    length: Annotated[int, Ge(1)] = 10_000

    def __post_init__(self) -> None:
        rest = self.size % GRID
        remedy = f"use {self.size - rest + 1} or {self.size - rest + GRID}"
        require(
            rest <= 1, "size", f"{self.size} pixels leave a border around {GRID} x {GRID} cells; {remedy}"
        )


def cell_size(size: int) -> int:
    """Pixels along each side of a cell, in frames of `size` pixels."""
    return size // GRID


class CrafterEnv(Env[Frame, np.int64]):
    """Crafter with its ground truth.

    Observations are u8 [size,size,3]. The reward is Crafter's: 1 for a step that unlocks an achievement, and
    0.1 a point of health won or lost. Death makes an episode `terminated`, its length else `truncated`.

    `info`, at a reset and at every step, tells of the state that the observation shows:
        semantic: u8 [7,9], index into LABEL_NAMES of what stands in each cell, even where night or sleep
            hide it; cell (i, j) covers obs[c*i : c*(i+1), c*j : c*(j+1)] with c = cell_size(size).
        inventory: u8 [16], how many of each of ITEM_NAMES.
        asleep: bool, whether the player sleeps, and sees the world in dark shades of grey.
        achievement: bool [22], which of ACHIEVEMENT_NAMES this very step achieved, new or not.
    """

    def __init__(self, config: EnvConfig) -> None:
        self.observation_space = Box(0, 255, (config.size, config.size, 3), np.uint8)
        self.action_space = Discrete(len(ACTION_NAMES))
        self._length = config.length
        self._game = _Game(config.size)
        self._steps_left = 0
        self._achieved = np.zeros(len(ACHIEVEMENT_NAMES), np.int64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Begins an episode, which `seed` alone determines: the first one of `crafter.Env(seed=seed)`."""
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
            "semantic": known["semantic"],
            "inventory": np.array([*known["inventory"].values()], np.uint8),
            "asleep": self._game.asleep,
            "achievement": self._achieved > before,
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

    def _look_around(self) -> npt.NDArray[np.uint8]:
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
