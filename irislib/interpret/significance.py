"""Tests that respect episodes: neighbouring frames are alike, so a frame is no draw of its own.

All are sign-flip tests. A statistic is a sum over episodes of contributions that a true null hypothesis
leaves symmetric about zero; their signs are then as good as coins, one an episode, whatever holds an
episode's frames together.
"""

import math

import numpy as np
from scipy.stats import false_discovery_control

from irislib.runtime import progress

Array = np.ndarray

BLOCK = 1 << 22  # numbers in memory at once while signs are drawn


def fewest_episodes(alpha: float) -> int:
    """Episodes below which a test says nothing: n coins agree with a chance of 2^-n, at least two count."""
    return max(2, math.ceil(math.log2(1 / alpha)))


def flip_test(contributions: Array, permutations: int, rng: np.random.Generator, desc: str) -> Array:
    """One-sided p-values of sums over episodes: the share of signs under which they are at least as large.

    Args:
        contributions: float64 [E,n], of E episodes to n statistics, 0 of those that an episode has no part
            in; the same signs are drawn for all n.
        permutations: signs to draw; where so many are not to be had, every sign is taken once. Correcting
            for n statistics takes p-values far below 1 / n, and few draws have none.
        rng: source of the signs.
        desc: for the progress bar.

    Returns:
        float64 [n], at least 2^-e for e episodes with a part; of drawn signs (1 + those at least as large) /
        (1 + draws).
    """
    contributions = contributions[contributions.any(axis=1)]
    episodes, n = contributions.shape
    every = 2**episodes <= permutations
    draws = 2**episodes if every else permutations
    # A permutation that changes nothing must count as a tie, however its sum was rounded.
    least = contributions.sum(axis=0) - 1e-9 * np.abs(contributions).sum(axis=0)
    extreme, block = np.zeros(n, np.int64), max(1, BLOCK // max(episodes, n, 1))
    for start in progress(range(0, draws, block), desc=desc, unit="block"):
        rows = np.arange(start, min(start + block, draws))
        if every:
            bits = rows[:, None] >> np.arange(episodes) & 1
        else:
            bits = rng.integers(0, 2, size=(len(rows), episodes), dtype=np.int8)
        extreme += np.count_nonzero((2.0 * bits - 1.0) @ contributions >= least, axis=0)
    p_values: Array = extreme / draws if every else (1 + extreme) / (1 + draws)
    return p_values


def flip_scores(contributions: Array) -> Array:
    """Sums over episodes by the standard deviation that they have under random signs.

    Args:
        contributions: float64 [n,E], of E episodes to n statistics.

    Returns:
        z-scores, float64 [n], at most sqrt(E) in size; 0 where nothing contributes.
    """
    spread = np.sqrt(np.einsum("ne,ne->n", contributions, contributions))
    total = contributions.sum(axis=1)
    scores: Array = np.divide(total, spread, out=np.zeros_like(total), where=spread > 0)
    return scores


def correct(p_values: Array) -> Array:
    """Benjamini-Hochberg q-values, float64 [n]; NaN (an untested hypothesis) stays NaN and does not count."""
    q_values = np.full(len(p_values), np.nan)
    tested = np.isfinite(p_values)
    if tested.any():
        q_values[tested] = false_discovery_control(p_values[tested], method="bh")
    return q_values
