"""A player that acts in each lane by itself, as scripted players do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64, UInt8

from irislib.worlds.world import World


@runtime_checkable
class Life(Protocol):
    """One episode of a player: what it remembers, and its habits."""

    def act(self) -> str:
        """The name of the next action."""


class LanePlayer(ABC):
    """A player (see `irislib.worlds.player.Player`) that looks into the worlds and not at frames.

    Attributes:
        actions: names of the world's actions, by their number.
    """

    actions: tuple[str, ...]
    _lives: Sequence[Life] = ()

    @abstractmethod
    def enter(self, world: World, rng: np.random.Generator) -> Life:
        """Begins an episode.

        Args:
            world: reset; the player never changes it, nor draws from its random generator.
            rng: where all random choices of the player come from, so that an episode is the same whoever
                plays beside it.
        """

    def begin(self, worlds: Sequence[World], rngs: Sequence[np.random.Generator]) -> None:
        """See `Player.begin`."""
        self._lives = [self.enter(world, rng) for world, rng in zip(worlds, rngs, strict=True)]

    def act(
        self, frames: UInt8[np.ndarray, "lane height width 3"], lanes: Sequence[int]
    ) -> Int64[np.ndarray, " lane"]:
        """See `Player.act`. The frames are not looked at."""
        return np.array([self.actions.index(self._lives[lane].act()) for lane in lanes], np.int64)
