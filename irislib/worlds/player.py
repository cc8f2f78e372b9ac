"""Who acts in a world."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64, UInt8

from irislib.errors import ParamError
from irislib.worlds.world import World


class NoScriptedPlayerError(ParamError):
    """A world has no scripted player, or none for its options.

    Args:
        reason: why, without the name of a parameter.
        remedy: what to do about `rollout.player`.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.reason, self.remedy = reason, remedy

    def __str__(self) -> str:
        return f"rollout.player: {self.reason}; {self.remedy}"


@runtime_checkable
class Player(Protocol):
    """Decides the actions in several environments, called lanes, that are played side by side.

    What happens in a lane must not depend on the other lanes, so each has its own random stream.
    """

    def begin(self, worlds: Sequence[World], rngs: Sequence[np.random.Generator]) -> None:
        """Called before the first action of new episodes.

        Args:
            worlds: the environment of each lane, reset; a scripted player may look inside.
            rngs: the random stream of each lane.
        """

    def act(
        self, frames: UInt8[np.ndarray, "lane height width 3"], lanes: Sequence[int]
    ) -> Int64[np.ndarray, " lane"]:
        """The next action in each of the lanes whose episodes go on.

        Args:
            frames: what each of these lanes shows.
            lanes: their numbers, ascending; a lane that is missing once does not come back.
        """
