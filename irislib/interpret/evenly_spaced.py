"""Which few of many to look at, so that nobody picks them."""

import numpy as np


def evenly_spaced(length: int, wanted: int) -> np.ndarray:
    """At most `wanted` indices below `length`, distinct, at even distances from first to last: int64 [n]."""
    return np.unique(np.linspace(0, length - 1, min(wanted, length)).round().astype(np.int64))
