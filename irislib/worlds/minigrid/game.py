"""MiniGrid as a world (Chevalier-Boisvert et al. 2023, version 3.2.0): its levels with their truth.

Rewards and rules are the package's. A frame has no text, so an agent does not learn the mission of a level
whose missions differ, as those of BabyAI do.
"""

import io
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete
from jaxtyping import Bool, UInt8
from minigrid.core.actions import Actions
from minigrid.core.world_object import Door
from minigrid.minigrid_env import MiniGridEnv

from irislib.worlds.minigrid.config import MinigridConfig
from irislib.worlds.minigrid.level import make_level
from irislib.worlds.minigrid.view import View
from irislib.worlds.world import Frame, World

HOLDABLE = ("key", "ball", "box")
QUANTITY_NAMES: tuple[str, ...] = tuple(f"carried {thing}" for thing in HOLDABLE)
GOAL_NAMES: tuple[str, ...] = ("succeed", *(f"pick_up_{thing}" for thing in HOLDABLE), "open_door")
ACTION_NAMES: tuple[str, ...] = tuple(action.name for action in Actions)


class MinigridWorld(World):
    """The game with its ground truth; see `World` for `info`.

    The reward is MiniGrid's: between 0.1 and 1 for success, the sooner the more, and 0 else (a few levels
    have -1 for a collision). Success or failure terminates an episode; its length, or the level's own limit,
    truncates it. The world is never hidden, and it is always day. Quantities say what the agent carries,
    which only the egocentric view shows.
    """

    def __init__(self, config: MinigridConfig) -> None:
        self.description = config.describe()
        self.observation_space = Box(0, 255, (*config.frame, 3), np.uint8)
        self.action_space = Discrete(len(self.description.actions))
        self._length = config.length
        self._view = View(config)
        self._game: Any = make_level(config.level)
        self._steps_left = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Begins the episode that `seed` determines, the one of the level with this seed."""
        super().reset(seed=seed)
        begin(self._game, int(self.np_random.integers(2**31)) if seed is None else seed)
        self._steps_left = self._length
        return self._tell(np.zeros(len(GOAL_NAMES), bool))

    def step(self, action: np.int64) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Takes the action of that index in the description. Raises ResetNeeded outside an episode."""
        if not self._steps_left:
            raise ResetNeeded("the episode is over or never began; call reset first")
        held, ahead = self._game.carrying, self._game.grid.get(*self._game.front_pos)
        shut = isinstance(ahead, Door) and not ahead.is_open
        _, reward, terminated, truncated, _ = self._game.step(int(action))
        now = self._game.carrying
        picked = now is not None and now is not held
        goal = np.array(
            [reward > 0, *(picked and now.type == thing for thing in HOLDABLE), shut and ahead.is_open]
        )
        self._steps_left = 0 if terminated or truncated else self._steps_left - 1
        frame, info = self._tell(goal)
        return frame, float(reward), bool(terminated), not (terminated or self._steps_left), info

    def _tell(self, goal: Bool[np.ndarray, " goal"]) -> tuple[Frame, dict[str, Any]]:
        frame, label = self._view.look(self._game)
        told = {"label": label, "quantity": carried(self._game), "hidden": False, "daylight": 1.0}
        return frame, told | {"goal": goal}


def begin(game: MiniGridEnv, seed: int) -> None:
    """Begins the episode of a game with this seed, silently: BabyAI prints which levels it rejects."""
    with redirect_stdout(io.StringIO()):
        game.reset(seed=seed)


def carried(game: Any) -> UInt8[np.ndarray, " quantity"]:
    """How many of each of `HOLDABLE` the agent carries: one object at most."""
    held = game.carrying
    return np.array([held is not None and held.type == thing for thing in HOLDABLE], np.uint8)
