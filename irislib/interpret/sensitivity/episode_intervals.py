"""How sure a number is that was measured on some episodes: episodes are drawn, not occurrences."""

import numpy as np
from jaxtyping import Bool, Float, Int

BOOTSTRAP = 999  # draws of episodes
INTERVAL = 0.95


def share_interval(
    hit: Bool[np.ndarray, " n"], episode: Int[np.ndarray, " n"], rng: np.random.Generator
) -> tuple[float, float]:
    """Percentile bootstrap interval of a share; episodes are drawn with replacement.

    Args:
        hit: which occurrences count.
        episode: of each occurrence.
        rng: source of the draws.

    Returns:
        Its two ends; NaN with fewer than two episodes.
    """
    _, member = np.unique(episode, return_inverse=True)
    size, hits = np.bincount(member), np.bincount(member, weights=hit)
    if len(size) < 2:
        return float("nan"), float("nan")
    drawn = rng.multinomial(len(size), np.full(len(size), 1 / len(size)), size=BOOTSTRAP)
    low, high = np.quantile((drawn @ hits) / (drawn @ size), [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return float(low), float(high)


def mean_and_error(values: Float[np.ndarray, " n"], episode: Int[np.ndarray, " n"]) -> tuple[float, float]:
    """Mean of the values that are not NaN, and its standard error, for which an episode is one draw.

    Args:
        values: of occurrences or of observations.
        episode: of each value.

    Returns:
        Both NaN without values; the error NaN with fewer than two episodes.
    """
    known = ~np.isnan(values)
    values, episode = values[known].astype(np.float64), episode[known]
    if len(values) == 0:
        return float("nan"), float("nan")
    mean = values.mean()
    _, member = np.unique(episode, return_inverse=True)
    off = np.bincount(member, weights=values - mean)
    if len(off) < 2:
        return float(mean), float("nan")
    return float(mean), float(np.sqrt(len(off) / (len(off) - 1) * (off @ off)) / len(values))
