"""The scripted player: it knows the whole state of the game, and a few rules decide what it does."""

from typing import Any

import numpy as np

from irislib.worlds.crafter.game import ACTION_NAMES, LABEL_NAMES, CrafterWorld
from irislib.worlds.crafter.scripted.agenda import Agenda
from irislib.worlds.crafter.scripted.needs import attend, block, draw_needs, fight
from irislib.worlds.crafter.scripted.situation import DIRECTIONS, Situation, look
from irislib.worlds.crafter.scripted.travel import STEP, shift
from irislib.worlds.crafter.scripted.wander import Wander
from irislib.worlds.lanes import LanePlayer
from irislib.worlds.world import World

SLIP = 0.02  # chance of a random action
EXCURSION = 0.004  # chance in each step to leave everything else for a sight


class CrafterPlayer(LanePlayer):
    """Plays Crafter by rules (see `irislib.worlds.player.Player`)."""

    actions = ACTION_NAMES

    def enter(self, world: World, rng: np.random.Generator) -> "_Life":
        """See `LanePlayer.enter`. Raises TypeError for another world."""
        if not isinstance(world, CrafterWorld):
            raise TypeError(f"{type(world).__name__} is not Crafter")
        return _Life(world._game, rng)


class _Life:
    """One episode: what the player remembers, and its habits."""

    def __init__(self, game: Any, rng: np.random.Generator) -> None:
        self._game, self._rng = game, rng
        self._taste = rng.integers(STEP, size=game._world.area)
        self._needs, self._agenda, self._wander = draw_needs(rng), Agenda(rng), Wander(rng)

    def act(self) -> str:
        """The name of the next action."""
        s = look(self._game, self._taste)
        slips, leaves = self._rng.random(2) < (SLIP, EXCURSION)
        if s.asleep:
            return "sleep"
        if slips:
            return _harmless(s, str(self._rng.choice(ACTION_NAMES)))
        if action := fight(s) or block(s) or attend(self._needs, s):
            return action
        if leaves:
            self._wander.begin(s)
        return self._wander(s) or self._agenda(s) or self._stroll(s)

    def _stroll(self, s: Situation) -> str:
        """Goes to see something, since nothing is left to do."""
        self._agenda.renew()
        self._wander.begin(s)
        return self._wander(s) or "noop"


def _harmless(s: Situation, action: str) -> str:
    """The action, unless it would lead into lava or to sleep in the open."""
    step = DIRECTIONS.get(action.removeprefix("move_"))
    ahead = shift(s.position, step) if step else s.position
    deadly = s.inside(ahead) and LABEL_NAMES[s.ground[ahead]] == "lava"
    return "noop" if deadly or action == "sleep" else action
