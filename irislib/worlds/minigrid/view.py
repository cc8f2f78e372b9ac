"""Frames of MiniGrid and the labels of their tiles."""

from typing import Any

import numpy as np
from jaxtyping import UInt8
from minigrid.minigrid_env import MiniGridEnv

from irislib.worlds.minigrid.config import MinigridConfig
from irislib.worlds.minigrid.labels import AGENT, DIRECTIONS, labels_of
from irislib.worlds.world import Frame


class View:
    """Draws what a configuration shows of a game, and tells it.

    No tile is highlighted. MiniGrid brightens the tiles that the agent sees; in the egocentric view that
    alone tells an empty tile from an unseen one, so unseen tiles are black here, without the lines around
    empty ones. The agent is drawn over what it stands on and, in the egocentric view, over what it carries;
    the label of its tile is the agent.
    """

    def __init__(self, config: MinigridConfig) -> None:
        self._config = config

    def look(self, game: MiniGridEnv) -> tuple[Frame, UInt8[np.ndarray, " tile"]]:
        """The frame of the present state, and the label of every tile, row by row."""
        grid, seen, agent, direction = self._grid(game)
        tile = self._config.tile
        drawn = grid.render(tile, agent, direction)
        drawn[~seen.T.repeat(tile, axis=0).repeat(tile, axis=1)] = 0
        frame = np.zeros((*self._config.frame, 3), np.uint8)
        frame[: len(drawn), : len(drawn[0])] = drawn
        code = grid.encode(seen)
        code[agent] = AGENT, 0, direction
        return frame, labels_of(code)

    def _grid(self, game: MiniGridEnv) -> tuple[Any, np.ndarray, tuple[int, int], int]:
        """The tiles that are shown, which of them are seen, and the agent's place (x, y) and direction."""
        if self._config.view == "full":
            x, y = game.agent_pos
            return game.grid, np.ones((game.width, game.height), bool), (int(x), int(y)), int(game.agent_dir)
        grid, seen = game.gen_obs_grid()
        side = game.agent_view_size
        return grid, seen, (side // 2, side - 1), DIRECTIONS.index("up")
