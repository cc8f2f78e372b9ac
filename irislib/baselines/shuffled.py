"""Codes that say nothing about the observation, but stand where the analysed codes stand."""

import numpy as np
from jaxtyping import Int16

from irislib.seeding import stream


def shuffled(tokens: Int16[np.ndarray, "t h w"], seed: int) -> Int16[np.ndarray, "t h w"]:
    """Tokens exchanged at random between observations, at each position on its own.

    How often each code stands at each position stays the same. What else stands in the observation does not:
    neither the other codes of its grid nor what the frame shows.

    Args:
        tokens: int16 [T,h,w], the analysed codes.
        seed: of the run.
    """
    return stream(seed, "baseline", "shuffled").permuted(tokens, axis=0)
