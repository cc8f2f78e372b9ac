"""Scripted players: which worlds offer one.

The players stand here and not in the worlds' own files, so that training, which needs worlds but no scripted
player, is not repeated when one of them changes.
"""

from typing import Any

from irislib.worlds.player import NoScriptedPlayerError, Player
from irislib.worlds.world import WorldConfig


def scripted_player(env: WorldConfig) -> Player:
    """A player that follows rules and may look at the world's state.

    Raises:
        NoScriptedPlayerError: the world offers none, or not for what its options say.
    """
    if env.world not in PLAYERS:
        *others, last = PLAYERS
        raise NoScriptedPlayerError(
            f"the world {env.world} has no scripted player",
            f"use agent, or set env.world to {', '.join(others)} or {last}",
        )
    return PLAYERS[env.world](env)


# Each is imported only where it plays, and so are the simulators of the other worlds.


def _crafter(_env: Any) -> Player:
    from irislib.worlds.crafter.scripted.player import CrafterPlayer

    return CrafterPlayer()


def _minigrid(env: Any) -> Player:
    from irislib.worlds.minigrid.scripted.player import MinigridPlayer

    return MinigridPlayer(env)


PLAYERS = {"crafter": _crafter, "minigrid": _minigrid}
