"""How many bits the tokens of a frame take (docs/protocol.md, step 11)."""

import numpy as np
from jaxtyping import Integer
from scipy.stats import entropy


def bits_per_frame(grid: tuple[int, int], codes: int) -> float:
    """Bits of h x w tokens of K codes that are all alike: h w log2 K."""
    return float(grid[0] * grid[1] * np.log2(codes))


def entropy_bits_per_frame(tokens: Integer[np.ndarray, "t h w"], codes: int) -> float:
    """Bits of a frame by an ideal code for each position: the sum of the positions' empirical entropies.

    Args:
        tokens: of T frames; few frames give too small an entropy.
        codes: K.
    """
    columns = tokens.reshape(len(tokens), -1).T
    return float(sum(entropy(np.bincount(one, minlength=codes), base=2) for one in columns))
