"""Evenly spaced indices: a few rows of many, chosen without looking at them."""

import numpy as np
from jaxtyping import Int


def evenly_spaced(length: int, wanted: int) -> Int[np.ndarray, " n"]:
    """At most `wanted` distinct indices below `length`, evenly spaced from the first to the last, int64."""
    return np.unique(np.linspace(0, length - 1, min(wanted, length)).round().astype(np.int64))
