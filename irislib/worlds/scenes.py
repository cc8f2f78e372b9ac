"""Labelled frames that a world may offer, from which an embedder learns and on which it is judged."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, UInt8


@dataclass(frozen=True)
class Scenes:
    """N frames with their ground truth; see `world.WorldDescription`.

    Attributes:
        obs: the frames.
        label: what stands in each rectangle of the world.
        quantity: how many there are of each quantity.
        strata: named groups of frames that are judged apart, for example "by_day"; a frame may belong to
            none or to several.
    """

    obs: UInt8[np.ndarray, "n height width 3"]
    label: UInt8[np.ndarray, "n world_box"]
    quantity: UInt8[np.ndarray, "n quantity"]
    strata: dict[str, Bool[np.ndarray, " n"]]


@runtime_checkable
class SceneSource(Protocol):
    """Makes scenes. Both methods draw from random streams named by `seed` and `names` alone."""

    def stage(self, count: int, seed: int, *names: str) -> Scenes:
        """Arranged scenes, in which rare things are about as frequent as common ones."""

    def play(self, count: int, seed: int, *names: str) -> Scenes:
        """Frames of random play, in which things are as frequent as they are."""
