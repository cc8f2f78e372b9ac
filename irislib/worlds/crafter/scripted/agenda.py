"""What the scripted player wants to achieve, in the order in which it tries."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from irislib.worlds.crafter.scripted.crafting import collect, make, place
from irislib.worlds.crafter.scripted.situation import Situation

PATIENCE = 150  # actions for one wish, after which the next ones have their turn


@dataclass(frozen=True)
class Wish:
    """An achievement of the game, and what to have in store before it is pursued."""

    achievement: str
    store: dict[str, int] = field(default_factory=dict)

    def pursue(self, s: Situation) -> str | None:
        """The next action toward the achievement; None if it is reached or impossible."""
        if s.achieved[self.achievement]:
            return None
        for item, amount in self.store.items():
            if s.inventory[item] < amount and (action := collect(s, item)):
                return action
        verb, _, name = self.achievement.partition("_")
        return _VERBS[verb](s, name)


def hunt(s: Situation, name: str) -> str | None:
    """Goes to the nearest creature of that kind and strikes it."""
    return s.toward(s.on(name))


def eat(s: Situation, name: str) -> str | None:
    """Eats a plant if one is ripe, or a cow."""
    return s.toward(s.ripe if name == "plant" else s.on(name))


_VERBS: dict[str, Callable[[Situation, str], str | None]] = {
    "collect": collect,
    "place": place,
    "make": make,
    "defeat": hunt,
    "eat": eat,
}
# Stores save ways: to the table and the furnace with everything at hand.
MAIN = (
    Wish("place_table", {"wood": 5}),
    Wish("make_wood_pickaxe"),
    Wish("make_wood_sword"),
    Wish("make_stone_pickaxe", {"wood": 4, "stone": 3}),
    Wish("make_stone_sword"),
    Wish("place_stone", {"stone": 5}),
    Wish("collect_coal"),
    Wish("place_furnace", {"stone": 6}),
    Wish("make_iron_pickaxe"),
    Wish("collect_diamond"),
    Wish("make_iron_sword"),
)
# Wishes that come somewhere among them: after so many of them at least, and before so many.
ASIDE = (
    (Wish("place_plant"), 0, 4),
    (Wish("eat_plant"), 0, 4),
    (Wish("defeat_zombie"), 5, 9),
    (Wish("defeat_skeleton"), 6, 9),
)


class Agenda:
    """The wishes of one episode: the first one that can be pursued, and was not tried for too long, decides.

    Args:
        rng: draws where in the order the wishes of `ASIDE` come.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._wishes = list(MAIN)
        for wish, first, last in ASIDE:
            self._wishes.insert(int(rng.integers(first, last)), wish)
        self._tried = [0] * len(self._wishes)

    def __call__(self, s: Situation) -> str | None:
        """The next action; None if no wish can be pursued at present."""
        for number, wish in enumerate(self._wishes):
            if self._tried[number] < PATIENCE and (action := wish.pursue(s)):
                self._tried[number] += 1
                return action
        return None

    def renew(self) -> None:
        """Wishes that were tried for too long get another chance."""
        self._tried = [0] * len(self._wishes)
