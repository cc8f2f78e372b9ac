"""A closed chamber in which the scripted player sleeps.

Monsters and arrows move along the axes, so a chamber is closed when no cell beside its cells can be walked
on. The player can place a stone only in front of itself, and looks in a direction by moving in it. So a gap
beside a cell can be closed if the cell on the other side is part of the chamber: the player comes from there,
and looks at the gap. In rock two cells in a row are enough; in the open it takes four cells in a square.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from crafter import constants

from irislib.worlds.crafter.game import LABEL_NAMES
from irislib.worlds.crafter.scripted.situation import DIRECTIONS, Situation
from irislib.worlds.crafter.scripted.travel import DIG, STEP, Cell, shift

SHAPES: tuple[tuple[Cell, ...], ...] = (
    ((0, 0), (1, 0)),
    ((0, 0), (0, 1)),
    ((0, 0), (1, 0), (0, 1), (1, 1)),
)
REACH = 6  # cells along each axis in which a place is looked for


@dataclass(frozen=True)
class Chamber:
    """Cells that are to be closed off from the rest of the world."""

    cells: tuple[Cell, ...]

    def gaps(self, s: Situation) -> list[tuple[Cell, Cell]]:
        """Each way out: a cell of the chamber, and the direction that leads out of it."""
        return [
            (cell, direction)
            for cell in self.cells
            for direction in DIRECTIONS.values()
            if (outside := shift(cell, direction)) not in self.cells
            and s.inside(outside)
            and LABEL_NAMES[s.ground[outside]] in constants.walkable
        ]

    def to_dig(self, s: Situation) -> list[Cell]:
        """Cells of the chamber that cannot be entered yet."""
        return [cell for cell in self.cells if s.diggable[cell]]

    def price(self, s: Situation) -> float:
        """Effort to close the chamber, in the units of ways; infinite if that is impossible."""
        if not all(s.free[cell] or s.diggable[cell] or cell == s.position for cell in self.cells):
            return np.inf
        gaps, digs = self.gaps(s), self.to_dig(s)
        stones = s.inventory["stone"] + sum(LABEL_NAMES[s.ground[cell]] == "stone" for cell in digs)
        if len(gaps) > stones or not all(_opposite(cell, d) in self.cells for cell, d in gaps):
            return np.inf
        way = min(float(s.travel.cost[np.ravel_multi_index(cell, s.ground.shape)]) for cell in self.cells)
        return way + 2 * STEP * len(gaps) + DIG * len(digs)


def find_chamber(s: Situation) -> Chamber | None:
    """The nearby chamber that is closed with the least effort; None if there is none."""
    best = min(_candidates(s), key=lambda chamber: chamber.price(s), default=None)
    return best if best and np.isfinite(best.price(s)) else None


def close(s: Situation, chamber: Chamber) -> str | None:
    """The next action to be in the closed chamber; None if the player is."""
    if s.position not in chamber.cells:
        return s.toward(_mask(s, chamber.cells)) or "noop"
    if digs := chamber.to_dig(s):
        return s.toward(_mask(s, digs)) or "noop"
    gaps = chamber.gaps(s)
    if not gaps:
        return None
    if (s.position, s.facing) in gaps:
        return "place_stone" if s.standing[s.front] == 0 else "do"
    for cell, direction in gaps:
        if _opposite(cell, direction) == s.position:
            return s.turn(direction)
    cell, direction = gaps[0]
    return s.toward(_mask(s, [_opposite(cell, direction)])) or "noop"


def _candidates(s: Situation) -> Iterator[Chamber]:
    x, y = s.position
    for dx, dy in product(range(-REACH, REACH + 1), repeat=2):
        for shape in SHAPES:
            cells = tuple((x + dx + i, y + dy + j) for i, j in shape)
            if all(s.inside(cell) for cell in cells):
                yield Chamber(cells)


def _opposite(cell: Cell, direction: Cell) -> Cell:
    return cell[0] - direction[0], cell[1] - direction[1]


def _mask(s: Situation, cells: tuple[Cell, ...] | list[Cell]) -> np.ndarray:
    mask = np.zeros(s.ground.shape, bool)
    mask[tuple(np.array(cells).T)] = True
    return mask
