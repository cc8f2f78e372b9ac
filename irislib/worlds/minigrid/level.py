"""MiniGrid's levels by their gymnasium id."""

import functools
import importlib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import gymnasium
import minigrid  # registers its levels
from minigrid.minigrid_env import MiniGridEnv

FAMILIES = ("MiniGrid-", "BabyAI-")
ANY = f"an id that begins with {' or '.join(FAMILIES)}"


@dataclass(frozen=True)
class Level:
    """What is the same in all episodes of a level.

    Attributes:
        columns: tiles of the whole grid from left to right.
        rows: the same from top to bottom.
        view: tiles along each side of what the agent sees.
        actions: how many of MiniGrid's actions the level takes.
    """

    columns: int
    rows: int
    view: int
    actions: int


@functools.cache
def find_level(level: str) -> Level:
    """Describes a level. Raises ValueError as `make_level`."""
    game: Any = make_level(level)
    return Level(game.width, game.height, game.agent_view_size, int(game.action_space.n))


def make_level(level: str) -> MiniGridEnv:
    """A new game of a level.

    Args:
        level: its gymnasium id; "module:id" first imports the module that registers it.

    Raises:
        ValueError: there is no such id, or it belongs to another environment. The message begins with the
            name of the parameter.
    """
    module, _, name = level.rpartition(":")
    if module:
        try:
            importlib.import_module(module)
        except ImportError as error:
            remedy = "install it or mend its name"
            raise ValueError(f"level: {module} cannot be imported ({error}); {remedy}") from None
    if name not in gymnasium.registry:
        known = [id_ for id_ in gymnasium.registry if id_.startswith(FAMILIES)]
        near = get_close_matches(name, known, n=1) or [ANY]
        raise ValueError(f"level: minigrid {minigrid.__version__} has no level {name!r}; use {near[0]}")
    try:
        game = gymnasium.make(name, disable_env_checker=True).unwrapped
    except (gymnasium.error.Error, ImportError):
        game = None  # of another package, which is not there
    if not isinstance(game, MiniGridEnv):
        raise ValueError(f"level: {name} is no level of MiniGrid; use {ANY}")
    return game
