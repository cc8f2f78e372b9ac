"""What keeps the scripted player alive: it fights, drinks, eats and sleeps."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from irislib.worlds.crafter_player.shelter import Chamber, close, find_chamber
from irislib.worlds.crafter_player.situation import DIRECTIONS, Situation
from irislib.worlds.crafter_player.travel import shift

MONSTERS = ("zombie", "skeleton")
ENOUGH = 8  # amount with which a need is met
DARK, EARLY = 0.35, 6  # daylight and energy below which the player goes to bed early
WEAK = 3  # health at or below which it sleeps to recover
EXHAUSTED = 1  # energy at which it sleeps without a shelter
ALARM = 6  # steps within which a monster keeps it from sleeping without a shelter


@dataclass
class Need:
    """Something that the player attends to when little of it is left, until there is enough.

    Attributes:
        item: drink, food or energy.
        low: amount at or below which the need arises.
        attend: the next action to meet the need; None if it cannot be met.
        arisen: whether the need has arisen and is not met.
    """

    item: str
    low: int
    attend: Callable[[Situation], str | None]
    arisen: bool = field(default=False, init=False)

    def notice(self, s: Situation) -> bool:
        """Whether the need is open now."""
        amount = s.inventory[self.item]
        early = self.item == "energy" and (
            (s.daylight < DARK and amount <= EARLY) or s.inventory["health"] <= WEAK
        )
        self.arisen = amount < ENOUGH and (self.arisen or amount <= self.low or early)
        return self.arisen


def draw_needs(rng: np.random.Generator) -> list[Need]:
    """The needs of a new episode; how early they arise differs between episodes."""
    return [
        Need("drink", int(rng.integers(3, 7)), drink),
        Need("food", int(rng.integers(3, 7)), eat),
        Need("energy", int(rng.integers(2, 5)), Sleep()),
    ]


def attend(needs: list[Need], s: Situation) -> str | None:
    """The next action for the most urgent need that can be met; None if there is none."""
    urgent = sorted((need for need in needs if need.notice(s)), key=lambda need: s.inventory[need.item])
    return next((action for need in urgent if (action := need.attend(s))), None)


def fight(s: Situation) -> str | None:
    """Turns to a monster beside the player and strikes it; None if there is none."""
    monsters = s.on(*MONSTERS)
    beside = [cell for d in DIRECTIONS.values() if s.inside(cell := shift(s.position, d)) and monsters[cell]]
    if not beside:
        return None
    return s.advance(s.front if s.front in beside else beside[0])


def drink(s: Situation) -> str | None:
    """Goes to the nearest water and drinks."""
    return s.toward(s.on("water") & (s.standing == 0))


def eat(s: Situation) -> str | None:
    """Hunts the nearest cow, or harvests the nearest ripe plant."""
    return s.toward(s.on("cow") | s.ripe)


class Sleep:
    """Sleeps, in a closed chamber if one can be had."""

    def __init__(self) -> None:
        self._chamber: Chamber | None = None

    def __call__(self, s: Situation) -> str | None:
        """The next action on the way to sleep; None if the player had better stay awake."""
        if self._chamber is None or not np.isfinite(self._chamber.price(s)):
            self._chamber = find_chamber(s)
        if self._chamber:
            return close(s, self._chamber) or "sleep"
        if s.inventory["energy"] > EXHAUSTED or s.travel.nearest(s.on(*MONSTERS), ALARM) is not None:
            return None
        return "sleep"
