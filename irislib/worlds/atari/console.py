"""The emulated console: ale-py, which is imported only when a game is needed."""

import difflib
from typing import TYPE_CHECKING

from irislib.errors import IrislibError, ParamError

if TYPE_CHECKING:
    from ale_py import ALEInterface

# Their cartridges are for two players.
WITHOUT_ONE_PLAYER = {"combat", "joust", "maze_craze", "warlords"}


def insert(game: str, seed: int, sticky: float) -> "ALEInterface":
    """A console with a game in its initial state.

    Args:
        game: its name, such as MsPacman.
        seed: of the console's own random numbers (sticky actions), below 2^31.
        sticky: probability with which it takes the last screen's action again.

    Raises:
        IrislibError: ale-py is not installed.
        ParamError: there is no such game.
    """
    try:
        from ale_py import ALEInterface, LoggerMode, roms
    except ImportError:
        raise IrislibError(
            "env.world: atari needs the package ale-py, an extra because its licence is the GPL; "
            "pip install --constraint requirements.lock --editable '.[atari]'"
        ) from None
    ids = {name_of(rom): rom for rom in roms.get_all_rom_ids() if rom not in WITHOUT_ONE_PLAYER}
    if game not in ids:
        raise ParamError(f"env.game: there is no game {game!r}; {_advice(game, list(ids))}")
    ALEInterface.setLoggerMode(LoggerMode.Error)  # otherwise it greets on stderr
    console = ALEInterface()
    console.setInt("random_seed", seed)
    console.setFloat("repeat_action_probability", sticky)
    console.loadROM(roms.get_rom_path(ids[game]) or ids[game])
    return console


def name_of(rom: str) -> str:
    """The name of a game by the id of its ROM, as gymnasium makes it: ms_pacman is MsPacman."""
    return rom.title().replace("_", "")


def _advice(game: str, known: list[str]) -> str:
    """Which name may have been meant."""
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(game.lower().replace("_", "").replace(" ", ""), folded, n=1)
    if near:
        return f"use {folded[near[0]]}"
    return f"use one of {', '.join(sorted(known))}"
