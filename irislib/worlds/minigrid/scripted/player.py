"""The scripted players: BabyAI's bot for its levels, the shortest way for levels with a goal to reach."""

from typing import Any

import numpy as np
from minigrid.envs.babyai.core.roomgrid_level import RoomGridLevel
from minigrid.utils.baby_ai_bot import BabyAIBot, DisappearedBoxError

from irislib.worlds.lanes import LanePlayer
from irislib.worlds.minigrid.config import MinigridConfig
from irislib.worlds.minigrid.game import ACTION_NAMES, MinigridWorld, begin
from irislib.worlds.minigrid.level import make_level
from irislib.worlds.minigrid.scripted.shortest_path import next_action
from irislib.worlds.player import NoScriptedPlayerError
from irislib.worlds.world import World

SLIP = 0.1  # chance of a random step or turn, without which all episodes of a small level are much alike
MOVES = ("left", "right", "forward")


class MinigridPlayer(LanePlayer):
    """Plays MiniGrid by rules (see `irislib.worlds.player.Player`).

    In BabyAI's levels the package's own bot plays, which knows the mission; where it is at a loss, it goes on
    at random. In levels with a goal tile the agent takes the shortest way there, fetching keys and opening
    doors.

    Args:
        config: of the worlds.

    Raises:
        NoScriptedPlayerError: the level is neither.
    """

    actions = ACTION_NAMES

    def __init__(self, config: MinigridConfig) -> None:
        game: Any = make_level(config.level)
        begin(game, 0)
        goal = any(thing and thing.type == "goal" for thing in game.grid.grid)
        if not (goal or isinstance(game, RoomGridLevel)):
            raise NoScriptedPlayerError(
                "the scripted player reaches goal tiles, and plays BabyAI's levels, but "
                f"{config.level} is neither",
                "use agent, or another env.level",
            )

    def enter(self, world: World, rng: np.random.Generator) -> "_Life":
        """See `LanePlayer.enter`. Raises TypeError for another world."""
        if not isinstance(world, MinigridWorld):
            raise TypeError(f"{type(world).__name__} is not MiniGrid")
        return _Life(world._game, rng)


class _Life:
    """One episode."""

    def __init__(self, game: Any, rng: np.random.Generator) -> None:
        self._game, self._rng = game, rng
        self._bot = BabyAIBot(game) if isinstance(game, RoomGridLevel) else None
        self._last: int | None = None

    def act(self) -> str:
        """The name of the next action."""
        planned = self._plan()
        action = planned if planned and self._rng.random() >= SLIP else self._stray()
        self._last = ACTION_NAMES.index(action)
        return action

    def _plan(self) -> str | None:
        if not isinstance(self._game, RoomGridLevel):
            return next_action(self._game)
        try:
            return None if self._bot is None else ACTION_NAMES[self._bot.replan(self._last)]
        except (AssertionError, DisappearedBoxError):  # how the bot says that it is at a loss
            self._bot = None
            return None

    def _stray(self) -> str:
        """A random step or turn, not into lava."""
        move = MOVES[self._rng.integers(len(MOVES))]
        ahead = self._game.grid.get(*self._game.front_pos)
        return "left" if move == "forward" and ahead and ahead.type == "lava" else move
