"""Labelled frames of Crafter, from which the embedder learns and on which it is judged.

Random play hardly ever shows a diamond, a furnace or an arrow. Staged scenes do: the player is put anywhere
in a world that the simulator made, materials, creatures and items are added at random, and the simulator
draws the frame and tells what stands where, as it does in play.
"""

from typing import Any

import numpy as np
from crafter import objects
from jaxtyping import UInt8

from irislib.runtime import progress
from irislib.seeding import stream, stream_seed
from irislib.worlds.crafter.game import (
    ACTION_NAMES,
    ITEM_NAMES,
    LABEL_NAMES,
    LARGEST,
    VIEW,
    CrafterConfig,
    CrafterWorld,
)
from irislib.worlds.scenes import Scenes
from irislib.worlds.world import Frame

PER_WORLD = 50  # scenes staged in a world; making the world takes as long as drawing that many frames
DAY = 300  # steps
DARK = 0.5  # daylight below which Crafter adds noise
ASLEEP = 0.15  # chance that a staged player sleeps
HELD = 0.7  # chance that a staged player has an item
# Chances that a cell is given another material, and that it is given an object; two are drawn for a scene.
CLUTTER = (0.0, 0.1, 0.3)
FACINGS = ((-1, 0), (1, 0), (0, -1), (0, 1))
RIPE = 301  # age of a plant, in steps
PLAY = 400  # longest episode of random play, in steps: more than a day
APART = 8  # steps between the frames that are kept of it

_MATERIALS = LABEL_NAMES[1 : LABEL_NAMES.index("player")]
_WALKABLE = ("grass", "sand", "path")
# Materials on which the game lets each kind stand.
_GROUNDS = {
    objects.Cow: _WALKABLE,
    objects.Zombie: _WALKABLE,
    objects.Skeleton: _WALKABLE,
    objects.Arrow: (*_WALKABLE, "water", "lava"),
    objects.Plant: ("grass",),
    objects.Fence: _WALKABLE,
}

# A frame, its labels u8 [W] and quantities u8 [Q], the daylight from 0 to 1, and whether the player sleeps.
Photograph = tuple[Frame, UInt8[np.ndarray, " label"], UInt8[np.ndarray, " quantity"], float, bool]


class StagedCrafter(CrafterWorld):
    """Crafter whose world can be rearranged, and photographed."""

    def __init__(self, config: CrafterConfig) -> None:
        super().__init__(config)
        self._added: list[Any] = []
        self._ground: dict[tuple[int, int], str] = {}  # what lay where something else was laid

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """As in play; see `CrafterWorld.reset`."""
        self._added, self._ground = [], {}
        return super().reset(seed=seed, options=options)

    def photograph(self, obs: Frame | None = None) -> Photograph:
        """The present state; the frame is drawn where it is not given."""
        game = self._game
        quantity = np.array([*game._player.inventory.values()], np.uint8)
        frame = game.render() if obs is None else obs
        label = game._look_around().reshape(-1)
        return frame, label, quantity, float(game._world.daylight), bool(game._player.sleeping)

    def set_scene(self, rng: np.random.Generator) -> None:
        """Draws a place and a state for the player and a time of day, and replaces cells in view at random.

        What an earlier call added is removed first.
        """
        game = self._game
        world, player = game._world, game._player
        self._tidy_up()
        free = np.isin(world._mat_map, [LABEL_NAMES.index(name) for name in _WALKABLE])
        free &= world._obj_map == 0
        world.move(player, rng.choice(np.argwhere(free)))
        player.facing = FACINGS[rng.integers(len(FACINGS))]
        player.sleeping = rng.random() < ASLEEP
        amounts = rng.integers(1, LARGEST, len(ITEM_NAMES), endpoint=True)
        amounts[rng.random(len(ITEM_NAMES)) >= HELD] = 0
        player.inventory = dict(zip(ITEM_NAMES, amounts.tolist(), strict=True))
        game._step = int(rng.integers(DAY))
        game._update_time()
        new_material, new_object = rng.choice(CLUTTER, 2)
        for place in self._free_places():
            if rng.random() < new_material:
                self._lay(place, _MATERIALS[rng.integers(len(_MATERIALS))])
            if rng.random() < new_object:
                self._add(place, rng)

    def _free_places(self) -> list[tuple[int, int]]:
        """Places of the world in the player's view where nobody stands."""
        world, (x, y), (height, width) = self._game._world, self._game._player.pos, VIEW
        return [
            (column, row)
            for row in range(max(0, y - height // 2), min(world.area[1], y + height // 2 + 1))
            for column in range(max(0, x - width // 2), min(world.area[0], x + width // 2 + 1))
            if world[column, row][1] is None
        ]

    def _lay(self, place: tuple[int, int], material: str) -> None:
        world = self._game._world
        self._ground.setdefault(place, world[place][0])
        world[place] = material

    def _add(self, place: tuple[int, int], rng: np.random.Generator) -> None:
        world, player = self._game._world, self._game._player
        kind = [*_GROUNDS][rng.integers(len(_GROUNDS))]
        self._lay(place, _GROUNDS[kind][rng.integers(len(_GROUNDS[kind]))])
        if kind in (objects.Zombie, objects.Skeleton):
            thing = kind(world, place, player)
        elif kind is objects.Arrow:
            thing = kind(world, place, FACINGS[rng.integers(len(FACINGS))])
        else:
            thing = kind(world, place)
        if kind is objects.Plant:
            thing.grown = RIPE * int(rng.integers(2))
        world.add(thing)
        self._added.append(thing)

    def _tidy_up(self) -> None:
        world = self._game._world
        for thing in self._added:
            world.remove(thing)
        for place, material in self._ground.items():
            world[place] = material
        self._added, self._ground = [], {}


class CrafterScenes:
    """Scenes of Crafter; see `SceneSource`. Each group of scenes and each episode has a world of its own."""

    def __init__(self, config: CrafterConfig) -> None:
        self.config = config

    def stage(self, count: int, seed: int, *names: str) -> Scenes:
        """Staged scenes, `PER_WORLD` in each world."""
        stage = StagedCrafter(self.config)
        taken: list[Photograph] = []
        for number in progress(range(count), desc=f"scenes, {names[-1]}", unit="scene"):
            if number % PER_WORLD == 0:
                stage.reset(seed=stream_seed(seed, *names, "world", number))
            stage.set_scene(stream(seed, *names, number))
            taken.append(stage.photograph())
        return _join(taken)

    def play(self, count: int, seed: int, *names: str) -> Scenes:
        """Every `APART`th frame of episodes of random play."""
        stage, number = StagedCrafter(self.config), 0
        taken: list[Photograph] = []
        with progress(desc=f"play, {names[-1]}", total=count, unit="frame") as bar:
            while len(taken) < count:
                obs, _ = stage.reset(seed=stream_seed(seed, *names, "world", number))
                actions = stream(seed, *names, number).integers(len(ACTION_NAMES), size=PLAY)
                for step, action in enumerate(actions):
                    if step % APART == 0 and len(taken) < count:
                        taken.append(stage.photograph(obs))
                        bar.update()
                    obs, _, terminated, truncated, _ = stage.step(action)
                    if terminated or truncated:
                        break
                number += 1
        return _join(taken)


def _join(taken: list[Photograph]) -> Scenes:
    obs, label, quantity, daylight, asleep = (np.array(values) for values in zip(*taken, strict=True))
    dark = daylight < DARK
    strata = {"by_day": ~dark & ~asleep, "in_the_dark": dark & ~asleep, "asleep": asleep}
    return Scenes(obs, label, quantity, strata)
