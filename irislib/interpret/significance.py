"""Significance tests that respect episodes: neighbouring frames look alike, so they are not independent.

All are sign-flip tests (docs/protocol.md, step 7). A statistic is a sum of one contribution per episode.
Under the null hypothesis each contribution is symmetric about zero, so its sign is a fair coin, whatever the
dependence between the frames of one episode.
"""

import math

import numpy as np
from jaxtyping import Float
from scipy.stats import false_discovery_control

from irislib.runtime import progress

BLOCK = 1 << 22  # numbers in memory at once while signs are drawn


def fewest_episodes(alpha: float) -> int:
    """The smallest number of episodes with which a test can reach `alpha`, at least 2.

    The smallest p-value of a sign-flip test with n episodes is 2^-n.
    """
    return max(2, math.ceil(math.log2(1 / alpha)))


def flip_test(
    contributions: Float[np.ndarray, "episodes n"], permutations: int, rng: np.random.Generator, desc: str
) -> Float[np.ndarray, " n"]:
    """One-sided p-values of sums over episodes.

    A p-value is the share of sign vectors under which the sum is at least as large as the observed one. All
    2^E sign vectors are enumerated when there are no more than `permutations`; otherwise `permutations` sign
    vectors are drawn at random, and p = (1 + number at least as large) / (1 + permutations). A correction for
    n tests needs p-values far below 1 / n, which few permutations cannot give.

    Args:
        contributions: float64, the contribution of each episode to each of n statistics; 0 where an episode
            does not contribute. The same sign vectors are used for all n statistics.
        permutations: largest number of sign vectors.
        rng: source of the random signs.
        desc: text of the progress bar.

    Returns:
        float64; at least 2^-e for a statistic to which e episodes contribute.
    """
    contributions = contributions[contributions.any(axis=1)]
    episodes, n = contributions.shape
    enumerate_all = 2**episodes <= permutations
    draws = 2**episodes if enumerate_all else permutations
    # A sign vector that changes nothing must count as a tie, however its sum was rounded.
    least = contributions.sum(axis=0) - 1e-9 * np.abs(contributions).sum(axis=0)
    extreme, block = np.zeros(n, np.int64), max(1, BLOCK // max(episodes, n, 1))
    for start in progress(range(0, draws, block), desc=desc, unit="block"):
        rows = np.arange(start, min(start + block, draws))
        if enumerate_all:
            bits = rows[:, None] >> np.arange(episodes) & 1
        else:
            bits = rng.integers(0, 2, size=(len(rows), episodes), dtype=np.int8)
        extreme += np.count_nonzero((2.0 * bits - 1.0) @ contributions >= least, axis=0)
    p_values: np.ndarray = extreme / draws if enumerate_all else (1 + extreme) / (1 + draws)
    return p_values


def flip_scores(contributions: Float[np.ndarray, "n episodes"]) -> Float[np.ndarray, " n"]:
    """z-scores: sums over episodes divided by their standard deviation under random signs.

    Args:
        contributions: float64, the contribution of each episode to each of n statistics.

    Returns:
        float64, between -sqrt(E) and sqrt(E) for E episodes; 0 where all contributions are 0.
    """
    spread = np.sqrt(np.einsum("ne,ne->n", contributions, contributions))
    total = contributions.sum(axis=1)
    scores: np.ndarray = np.divide(total, spread, out=np.zeros_like(total), where=spread > 0)
    return scores


def correct(p_values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Benjamini-Hochberg q-values, float64.

    An untested hypothesis has a p-value of NaN. Its q-value is NaN, and it does not count as a test.
    """
    q_values = np.full(len(p_values), np.nan)
    tested = np.isfinite(p_values)
    if tested.any():
        q_values[tested] = false_discovery_control(p_values[tested], method="bh")
    return q_values
