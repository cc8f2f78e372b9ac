"""Scripted players: which worlds offer one."""

from collections.abc import Callable

from irislib.errors import ParamError
from irislib.worlds.crafter.scripted.player import CrafterPlayer
from irislib.worlds.player import Player
from irislib.worlds.world import WorldConfig

# By the name of the world. They stand here and not in the worlds' own files, so that training, which needs
# worlds but no scripted player, is not repeated when one of them changes.
PLAYERS: dict[str, Callable[[], Player]] = {"crafter": CrafterPlayer}


def scripted_player(env: WorldConfig) -> Player:
    """A player that follows rules and may look at the world's state.

    Raises:
        ParamError: the world offers none.
    """
    if env.world not in PLAYERS:
        offered = " or ".join(PLAYERS)
        raise ParamError(
            f"rollout.player: the world {env.world} has no scripted player; use agent, or set env.world to "
            f"{offered}"
        )
    return PLAYERS[env.world]()
