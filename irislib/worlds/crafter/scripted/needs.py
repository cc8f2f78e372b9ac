"""What keeps the scripted player alive: it fights, drinks, eats and sleeps."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from crafter import constants

from irislib.worlds.crafter.scripted.crafting import collect
from irislib.worlds.crafter.scripted.shelter import Chamber, close, find_chamber
from irislib.worlds.crafter.scripted.situation import DIRECTIONS, MONSTERS, Situation
from irislib.worlds.crafter.scripted.travel import shift

LATE = 0.5  # chance that the player of an episode stays in its chamber until dawn
BLOCKED = 4  # steps within which a monster that comes is blocked
EXHAUSTED = 1  # energy at which it sleeps without a shelter
ALARM = 6  # steps within which a monster keeps it from sleeping without a shelter


@dataclass
class Need:
    """Something that the player attends to when little of it is left, until there is enough.

    Attributes:
        item: health, food, drink or energy.
        by_day: amount at or below which the need arises in daylight.
        by_night: the same in the dark.
        enough: amount with which the need is met in daylight.
        enough_by_night: the same in the dark; more than any amount keeps the player in its chamber until
            dawn.
        attend: the next action to meet the need; None if it cannot be met.
        arisen: whether the need has arisen and is not met.
    """

    item: str
    by_day: int
    by_night: int
    enough: int
    enough_by_night: int
    attend: Callable[[Situation], str | None]
    arisen: bool = field(default=False, init=False)

    def notice(self, s: Situation) -> bool:
        """Whether the need is open now."""
        amount = s.inventory[self.item]
        low, enough = (self.by_night, self.enough_by_night) if s.dark else (self.by_day, self.enough)
        self.arisen = amount < enough and (self.arisen or amount <= low)
        return self.arisen


def draw_needs(rng: np.random.Generator) -> list[Need]:
    """The needs of a new episode; how early they arise differs between episodes."""
    health, energy, drinks, food = (int(low) for low in rng.integers([2, 2, 4, 4], [5, 5, 7, 7]))
    rested = 10 if rng.random() < LATE else 9
    sleep = Sleep()
    return [
        Need("health", health, health + 1, health + 2, health + 3, sleep),
        Need("energy", energy, energy + 3, 9, rested, sleep),
        Need("drink", drinks, 2, 8, 6, drink),
        Need("food", food, 2, 8, 6, eat),
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


def block(s: Situation) -> str | None:
    """Places a stone before a monster that comes from ahead; None if none comes.

    A zombie strikes as soon as it is beside the player, so every meeting costs health. It walks straight to
    the player and seldom around a stone. A kind that was never defeated is let through.
    """
    if not s.inventory["stone"] or not s.facing_free(*constants.walkable):
        return None
    unwanted = [name for name in MONSTERS if s.achieved[f"defeat_{name}"]]
    offsets = np.argwhere(s.on(*unwanted)) - s.position
    ahead, aside = offsets @ s.facing, abs(offsets @ s.facing[::-1])
    return "place_stone" if ((aside < ahead) & (ahead + aside <= BLOCKED)).any() else None


def drink(s: Situation) -> str | None:
    """Goes to the nearest water and drinks."""
    return s.toward(s.on("water") & (s.standing == 0))


def eat(s: Situation) -> str | None:
    """Hunts the nearest cow, or harvests the nearest ripe plant."""
    return s.toward(s.on("cow") | s.ripe)


class Sleep:
    """Sleeps, or rests if it is not tired, in a closed chamber if one can be had."""

    def __init__(self) -> None:
        self._chamber: Chamber | None = None

    def __call__(self, s: Situation) -> str | None:
        """The next action on the way to sleep; None if the player had better stay awake."""
        if self._chamber is None or not np.isfinite(self._chamber.price(s)):
            self._chamber = find_chamber(s)
        if self._chamber:
            return close(s, self._chamber) or "sleep"
        if s.inventory["wood_pickaxe"] and (action := collect(s, "stone")):
            return action
        distance = abs(np.argwhere(s.on(*MONSTERS)) - s.position).sum(axis=1)
        if s.inventory["energy"] > EXHAUSTED or (distance <= ALARM).any():
            return None
        return "sleep"
