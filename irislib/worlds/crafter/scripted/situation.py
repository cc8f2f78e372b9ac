"""What the scripted player knows before a step: the state of the whole game, which looking leaves alone."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from crafter import constants, objects
from jaxtyping import Bool, Int64, UInt8
from scipy.ndimage import maximum_filter

from irislib.worlds.crafter.game import LABEL_NAMES
from irislib.worlds.crafter.scripted.travel import STEP, Cell, Travel, shift

DIRECTIONS: dict[str, Cell] = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_MOVES = {direction: f"move_{name}" for name, direction in DIRECTIONS.items()}
MONSTERS = ("zombie", "skeleton")
DARK = 0.5  # daylight below which the player stays off the grass, where zombies appear by night
DREAD = 4  # what a cell close to a monster costs more, in steps over free cells
_WALKABLE: np.ndarray = np.isin(LABEL_NAMES, constants.walkable)  # by label


@dataclass(frozen=True, eq=False)
class Situation:
    """The state of a game before a step. Arrays are indexed [x, y] like the game's own.

    Attributes:
        ground: label of the material of each cell.
        standing: label of the creature or thing that stands on each cell, 0 where there is none.
        ripe: where a plant can be eaten.
        position: cell of the player.
        facing: direction in which the player looks.
        inventory: amount of each item.
        achieved: how often each achievement was reached.
        asleep: whether the player sleeps.
        daylight: from 0 (darkest) to 1.
        taste: what the player of this episode adds to the cost of entering each cell, so that ways differ
            between episodes.
    """

    ground: UInt8[np.ndarray, "x y"]
    standing: UInt8[np.ndarray, "x y"]
    ripe: Bool[np.ndarray, "x y"]
    position: Cell
    facing: Cell
    inventory: dict[str, int]
    achieved: dict[str, int]
    asleep: bool
    daylight: float
    taste: Int64[np.ndarray, "x y"]

    @property
    def front(self) -> Cell:
        """The cell in front of the player; it may lie outside the world."""
        return shift(self.position, self.facing)

    @cached_property
    def free(self) -> Bool[np.ndarray, "x y"]:
        """Cells that can be entered at once."""
        enterable: np.ndarray = _WALKABLE[self.ground] & (self.standing == 0)
        return enterable

    @cached_property
    def diggable(self) -> Bool[np.ndarray, "x y"]:
        """Cells that can be entered after their material is collected with the tools at hand."""
        names = [
            name
            for name, rule in constants.collect.items()
            if name not in constants.walkable
            and rule["leaves"] in constants.walkable
            and self.holds(rule["require"])
        ]
        removable: np.ndarray = np.isin(self.ground, labels_of(names)) & (self.standing == 0)
        return removable

    @cached_property
    def travel(self) -> Travel:
        """Ways from the player to every cell. They avoid monsters, and grass in the dark."""
        close = maximum_filter(self.on(*MONSTERS), size=5)
        fear = STEP * (DREAD * close + self.dark * self.on("grass"))
        return Travel(self.position, self.free, self.diggable, self.taste + fear)

    @property
    def dark(self) -> bool:
        """Whether it is night for the player."""
        return self.daylight < DARK

    def inside(self, cell: Cell) -> bool:
        """Whether the cell is part of the world."""
        width, height = self.ground.shape
        return bool(0 <= cell[0] < width and 0 <= cell[1] < height)

    def holds(self, amounts: dict[str, int]) -> bool:
        """Whether the inventory has at least these amounts."""
        return all(self.inventory[item] >= amount for item, amount in amounts.items())

    def on(self, *names: str) -> Bool[np.ndarray, "x y"]:
        """Where one of these materials lies or one of these creatures or things stands."""
        wanted = labels_of(names)
        found: np.ndarray = np.isin(self.ground, wanted) | np.isin(self.standing, wanted)
        return found

    def facing_free(self, *materials: str) -> bool:
        """Whether one of these materials is in front of the player, and nobody stands on it."""
        front = self.front
        return (
            self.inside(front) and not self.standing[front] and LABEL_NAMES[self.ground[front]] in materials
        )

    def turn(self, direction: Cell) -> str:
        """Moves or turns in that direction."""
        return _MOVES[direction]

    def toward(self, wanted: Bool[np.ndarray, "x y"], within: int | None = None) -> str | None:
        """The next action on the way to the nearest wanted cell; None if there is no way.

        What stands in the way is dug through, and what is wanted but cannot be entered is faced, then acted
        on ("do").

        Args:
            wanted: cells to go to. The player's own cell does not count.
            within: longest way, in steps over free cells.
        """
        target = self.travel.nearest(wanted, within)
        return None if target is None else self.advance(self.travel.first_step(target))

    def advance(self, cell: Cell) -> str:
        """Enters a neighbouring cell, or turns to it, or acts on it if the player looks at it."""
        direction = (cell[0] - self.position[0], cell[1] - self.position[1])
        if not self.free[cell] and direction == self.facing:
            return "do"
        return self.turn(direction)


def labels_of(names: list[str] | tuple[str, ...]) -> list[int]:
    """Labels by their names."""
    return [LABEL_NAMES.index(name) for name in names]


def look(game: Any, taste: Int64[np.ndarray, "x y"]) -> Situation:
    """The present state of a game (`crafter.Env`). Draws no random number and no frame."""
    world, player = game._world, game._player
    standing, ripe = np.zeros(world.area, np.uint8), np.zeros(world.area, bool)
    for x, y in np.argwhere(world._obj_map):
        thing = world._objects[world._obj_map[x, y]]
        standing[x, y] = LABEL_NAMES.index(type(thing).__name__.lower())
        ripe[x, y] = isinstance(thing, objects.Plant) and thing.ripe
    x, y = player.pos.tolist()
    dx, dy = player.facing
    return Situation(
        ground=world._mat_map.copy(),
        standing=standing,
        ripe=ripe,
        position=(x, y),
        facing=(int(dx), int(dy)),
        inventory=player.inventory,
        achieved=player.achievements,
        asleep=bool(player.sleeping),
        daylight=float(world.daylight),
        taste=taste,
    )
