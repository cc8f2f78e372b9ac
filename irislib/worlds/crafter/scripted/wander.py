"""Where the scripted player goes when it wants nothing else: to see every kind of thing."""

import numpy as np

from irislib.worlds.crafter.game import VIEW
from irislib.worlds.crafter.scripted.situation import Situation
from irislib.worlds.crafter.scripted.travel import Cell

LONGEST = 60  # steps on the way to one sight


class Wander:
    """Walks to a random sight after another.

    A kind of material or creature is drawn first and one of its cells second, so that rare kinds are visited
    as often as common ones. Label 0, which stands for what is outside the world, means the world's edge.

    Args:
        rng: draws the sights.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._sight: Cell | None = None
        self._steps = 0

    def begin(self, s: Situation) -> None:
        """Draws another sight."""
        kinds = np.union1d(s.ground, s.standing)  # holds 0, since nobody stands on most cells
        kind = self._rng.choice(kinds)
        edge = np.ones(s.ground.shape, bool)
        edge[1:-1, 1:-1] = False
        cells = np.argwhere((s.ground == kind) | (s.standing == kind) if kind else edge)
        x, y = self._rng.choice(cells).tolist()
        self._sight, self._steps = (x, y), 0

    def __call__(self, s: Situation) -> str | None:
        """The next action on the way; None if the sight is in view, out of reach or too far."""
        if self._sight is None:
            return None
        self._steps += 1
        x, y = self._sight
        around = np.zeros(s.ground.shape, bool)
        rows, columns = VIEW[0] // 2 - 1, VIEW[1] // 2 - 1
        around[max(0, x - columns) : x + columns + 1, max(0, y - rows) : y + rows + 1] = True
        there = around[s.position] or self._steps > LONGEST
        action = None if there else s.toward(around & (s.free | s.diggable))
        if action is None:
            self._sight = None
        return action
