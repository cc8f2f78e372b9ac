"""Labelled frames of MiniGrid, from which the embedder learns and on which it is judged.

A level shows few of the things that there are. Staged scenes show them all: the level that the package
generates, with tiles replaced at random and the agent put anywhere.
"""

from itertools import count as counted
from typing import Any

import numpy as np
from jaxtyping import UInt8
from minigrid.core.world_object import WorldObj

from irislib.runtime import progress
from irislib.seeding import stream, stream_seed
from irislib.worlds.minigrid.config import MinigridConfig
from irislib.worlds.minigrid.game import HOLDABLE, begin, carried
from irislib.worlds.minigrid.labels import AGENT, CODES, Code
from irislib.worlds.minigrid.level import make_level
from irislib.worlds.minigrid.view import View
from irislib.worlds.scenes import Scenes
from irislib.worlds.world import Frame

PER_LEVEL = 10  # scenes staged in a level; generating a large level takes longer than drawing it
CLUTTER = (0.0, 0.2, 0.5)  # chances that a tile is replaced; one is drawn for a scene
CARRYING = 0.5  # chance that a staged agent carries something
APART = 4  # steps between the frames that are kept of random play

_THINGS: list[Code] = [code for name, code in CODES.items() if name != "unseen" and code[0] != AGENT]
_HOLDABLE = [code for name, code in CODES.items() if name.endswith(HOLDABLE)]

# A frame, the labels of its tiles u8 [W], and quantities u8 [Q].
Photograph = tuple[Frame, UInt8[np.ndarray, " label"], UInt8[np.ndarray, " quantity"]]


class MinigridScenes:
    """Scenes of a level; see `SceneSource`."""

    def __init__(self, config: MinigridConfig) -> None:
        self.config = config

    def stage(self, count: int, seed: int, *names: str) -> Scenes:
        """Staged scenes, `PER_LEVEL` in each level that is generated."""
        game, view = make_level(self.config.level), View(self.config)
        taken: list[Photograph] = []
        for number in progress(range(count), desc=f"scenes, {names[-1]}", unit="scene"):
            if number % PER_LEVEL == 0:
                begin(game, stream_seed(seed, *names, "level", number))
                tiles = list(game.grid.grid)
            game.grid.grid = list(tiles)
            set_scene(game, stream(seed, *names, number))
            taken.append((*view.look(game), carried(game)))
        return _join(taken)

    def play(self, count: int, seed: int, *names: str) -> Scenes:
        """Every `APART`th frame of episodes of random play."""
        world = self.config.make()
        actions = len(world.description.actions)
        taken: list[Photograph] = []
        for number in counted():
            rng = stream(seed, *names, number)
            obs, info = world.reset(seed=stream_seed(seed, *names, "level", number))
            for step in counted():
                if step % APART == 0:
                    taken.append((obs, info["label"], info["quantity"]))
                obs, _, terminated, truncated, info = world.step(rng.integers(actions))
                if len(taken) == count:
                    return _join(taken)
                if terminated or truncated:
                    break
        raise AssertionError("endless")


def set_scene(game: Any, rng: np.random.Generator) -> None:
    """Replaces tiles inside the outer wall by things, all equally often, and draws the agent's state."""
    chance = rng.choice(CLUTTER)
    for y in range(1, game.height - 1):
        for x in range(1, game.width - 1):
            if rng.random() < chance:
                game.grid.set(x, y, WorldObj.decode(*_THINGS[rng.integers(len(_THINGS))]))
    place = int(rng.integers(1, game.width - 1)), int(rng.integers(1, game.height - 1))
    game.grid.set(*place, None)
    game.agent_pos, game.agent_dir = place, int(rng.integers(4))
    held = _HOLDABLE[rng.integers(len(_HOLDABLE))]
    game.carrying = WorldObj.decode(*held) if rng.random() < CARRYING else None


def _join(taken: list[Photograph]) -> Scenes:
    obs, label, quantity = (np.array(values) for values in zip(*taken, strict=True))
    return Scenes(obs, label, quantity, {})
