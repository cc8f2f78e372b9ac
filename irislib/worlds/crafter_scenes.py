"""Frames of Crafter with their truth, from which the embedder learns and on which it is judged.

Random play hardly ever shows a diamond, a furnace or an arrow. Staged scenes do: the player is put anywhere
in a world that the simulator made, things are put about, and the simulator draws the frame and tells what
stands where, as it does in play.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from crafter import objects

from irislib.interpret.embedding.windows import NUMBERS, WindowLabels
from irislib.runtime import progress
from irislib.seeding import stream, stream_seed
from irislib.worlds.crafter import ACTION_NAMES, ITEM_NAMES, LABEL_NAMES, VIEW, CrafterEnv, EnvConfig, Frame

Array = np.ndarray

LABELS = WindowLabels(LABEL_NAMES, ITEM_NAMES)

PER_WORLD = 50  # scenes staged in a world, which takes as long to make as so many frames
DAY = 300  # steps
ASLEEP = 0.15  # chance that a staged player sleeps
HELD = 0.7  # chance that a staged player has an item
CLUTTER = (0.0, 0.1, 0.3)  # chances that a cell is given another material, and that it is given an object
FACINGS = ((-1, 0), (1, 0), (0, -1), (0, 1))
RIPE = 301  # age of a plant
PLAY = 400  # steps of an episode of random play at most, more than a day
APART = 8  # steps between the frames that are kept of it

_MATERIALS = LABEL_NAMES[1 : LABEL_NAMES.index("player")]
_WALKABLE = ("grass", "sand", "path")
# Where the game lets each stand.
_GROUNDS = {
    objects.Cow: _WALKABLE,
    objects.Zombie: _WALKABLE,
    objects.Skeleton: _WALKABLE,
    objects.Arrow: (*_WALKABLE, "water", "lava"),
    objects.Plant: ("grass",),
    objects.Fence: _WALKABLE,
}


@dataclass(frozen=True)
class Scenes:
    """N frames with what the simulator knows of them.

    Attributes:
        obs: u8 [N,H,W,3].
        cells: int64 [N,C,C], by `LABELS`.
        daylight: float64 [N], from 0 to 1.
        asleep: bool [N], the player sleeps, and the world is drawn grey.
    """

    obs: Array
    cells: Array
    daylight: Array
    asleep: Array


class StagedCrafter(CrafterEnv):
    """Crafter that can be rearranged at will, and photographed."""

    def __init__(self, config: EnvConfig) -> None:
        super().__init__(config)
        self._added: list[Any] = []
        self._ground: dict[tuple[int, int], str] = {}  # what lay where something else was laid

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """As in play; see `CrafterEnv.reset`."""
        self._added, self._ground = [], {}
        return super().reset(seed=seed, options=options)

    def photograph(self, obs: Array | None = None) -> tuple[Array, Array, float, bool]:
        """One entry of each array of `Scenes`; the frame is drawn where it is not given."""
        game = self._game
        amounts = np.array([*game._player.inventory.values()], np.uint8)
        cells = LABELS.of_cells(game._look_around()[None], amounts[None])[0]
        frame = game.render() if obs is None else obs
        return frame, cells, float(game._world.daylight), bool(game._player.sleeping)

    def set_scene(self, rng: np.random.Generator) -> None:
        """Puts the player somewhere, at some time of the day, with some inventory; clutters what is in view.

        What an earlier call put about is taken away first.
        """
        game = self._game
        world, player = game._world, game._player
        self._tidy_up()
        free = np.isin(world._mat_map, [LABEL_NAMES.index(name) for name in _WALKABLE])
        free &= world._obj_map == 0
        world.move(player, rng.choice(np.argwhere(free)))
        player.facing = FACINGS[rng.integers(len(FACINGS))]
        player.sleeping = rng.random() < ASLEEP
        amounts = rng.integers(1, NUMBERS, len(ITEM_NAMES), endpoint=True)
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


def stage_scenes(env: EnvConfig, count: int, seed: int, *names: str) -> Scenes:
    """Staged scenes in worlds of their own.

    Args:
        env: size of the frames.
        count: of scenes.
        seed: of worlds and scenes, together with `names`.
    """
    stage = StagedCrafter(env)
    taken: list[tuple[Array, Array, float, bool]] = []
    for number in progress(range(count), desc=f"scenes, {names[-1]}", unit="scene"):
        if number % PER_WORLD == 0:
            stage.reset(seed=stream_seed(seed, *names, "world", number))
        stage.set_scene(stream(seed, *names, number))
        taken.append(stage.photograph())
    return _join(taken)


def play_scenes(env: EnvConfig, count: int, seed: int, *names: str) -> Scenes:
    """Frames of random play, each episode in a world of its own: what there is, as often as there is.

    Args:
        env: size of the frames.
        count: of frames.
        seed: of worlds and actions, together with `names`.
    """
    stage, number = StagedCrafter(env), 0
    taken: list[tuple[Array, Array, float, bool]] = []
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


def _join(taken: list[tuple[Array, Array, float, bool]]) -> Scenes:
    return Scenes(*(np.array(values) for values in zip(*taken, strict=True)))
