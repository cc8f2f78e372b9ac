"""A player that knows nothing: every action with equal probability."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, UInt8

from irislib.worlds.world import World


class RandomPlayer:
    """See `irislib.worlds.player.Player`."""

    def __init__(self) -> None:
        self._rngs: Sequence[np.random.Generator] = ()
        self._actions = 0

    def begin(self, worlds: Sequence[World], rngs: Sequence[np.random.Generator]) -> None:
        """Called before the first action of new episodes."""
        self._rngs, self._actions = rngs, len(worlds[0].description.actions)

    def act(
        self, frames: UInt8[np.ndarray, "lane height width 3"], lanes: Sequence[int]
    ) -> Int64[np.ndarray, " lane"]:
        """An action in each lane, from the lane's own random stream."""
        return np.array([self._rngs[lane].integers(self._actions) for lane in lanes], np.int64)
