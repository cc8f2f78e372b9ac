"""Does a code always show the same thing? Its crops against random ones (protocol step 7)."""

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from irislib.interpret.evidence import Crops
from irislib.runtime import progress
from irislib.seeding import stream

Array = np.ndarray


def mean_pairwise_cosine(units: Array) -> float:
    """Mean cosine over all pairs of n unit vectors, (|sum u|^2 - n) / (n(n-1)) (protocol step 7).

    Args:
        units: float64 [n,F].

    Returns:
        NaN for fewer than two vectors.
    """
    n = len(units)
    if n < 2:
        return float("nan")
    total = units.sum(axis=0)
    return float((total @ total - n) / (n * (n - 1)))


def sign_flip_test(
    units: Array, random: Array, permutations: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Tests whether the first vectors agree with each other more than their matched counterparts do.

    Under the null hypothesis the labels "code" and "random" are exchangeable within each matched pair;
    a permutation swaps them in a random subset of the pairs. With A and B the sums over either label,
    the difference of the mean pairwise cosines is (|A|^2 - |B|^2) / (n(n-1)) = (A+B).(A-B) / (n(n-1)).
    A+B does not change under swaps and A-B = sum of s_i (u_i - v_i) with signs s_i = +-1, so the
    difference is proportional to sum of s_i c_i with c_i = (A+B).(u_i - v_i): linear in the signs.

    Args:
        units: float64 [n,F], unit vectors of a code's crops.
        random: float64 [n,F], those of their random counterparts, row by row.
        permutations: how many to draw.
        rng: source of the signs.

    Returns:
        The one-sided p-value, (1 + permutations at least as extreme) / (1 + permutations), which cannot
        fall much below 2^-n; and the effect size z / sqrt(n), with z the observed difference over its
        standard deviation under the null, which is sqrt(sum of c_i^2): in [-1, 1], free of n.
    """
    contribution = (units - random) @ (units.sum(axis=0) + random.sum(axis=0))
    observed = contribution.sum()
    signs = 2.0 * rng.integers(0, 2, size=(permutations, len(units))) - 1.0
    # A permutation that changes nothing must count as a tie, however its sum was rounded.
    tolerance = 1e-9 * np.abs(contribution).sum()
    extreme = np.count_nonzero(signs @ contribution >= observed - tolerance)
    spread = np.sqrt(len(units) * (contribution @ contribution))
    return (1 + extreme) / (1 + permutations), float(observed / spread) if spread > 0 else 0.0


def score_codes(
    crops: Crops, codes: int, seed: int, alpha: float, permutations: int, min_crops: int
) -> pd.DataFrame:
    """One row a code: its crops, their consistency and its significance (protocol step 7).

    A code is tested when it has at least `min_crops` crops, from at least two episodes, that are not all
    the same pixels: one sprite cut out again and again, or one stretch of play, shows nothing about the
    code. p-values are corrected over the tested codes after Benjamini and Hochberg.

    Args:
        crops: of all codes.
        codes: K, the size of the codebook.
        seed: of the permutations.
        alpha: the false discovery rate at which a code counts as consistent.
        permutations: for each tested code.
        min_crops: fewer leave a code untested.

    Returns:
        K rows by code, with columns crops, distinct_crops, episodes (that the crops come from),
        consistency and consistency_random (mean pairwise cosine of the code's crops and of their random
        counterparts; NaN below two crops), effect_size, p_value, q_value (NaN where untested),
        consistent (q <= alpha and a positive difference).
    """
    order = np.argsort(crops.code, kind="stable")
    starts = np.searchsorted(crops.code[order], np.arange(codes + 1))
    rows = []
    for code in progress(range(codes), desc="consistency", unit="code"):
        mine = order[starts[code] : starts[code + 1]]
        units, random = crops.units(crops.own[mine]), crops.units(crops.random[mine])
        distinct, episodes = len(np.unique(crops.own[mine])), len(np.unique(crops.episode[mine]))
        p, effect = float("nan"), float("nan")
        if len(mine) >= max(min_crops, 2) and distinct >= 2 and episodes >= 2:
            p, effect = sign_flip_test(units, random, permutations, stream(seed, "consistency", code))
        rows.append(
            {
                "crops": len(mine),
                "distinct_crops": distinct,
                "episodes": episodes,
                "consistency": mean_pairwise_cosine(units),
                "consistency_random": mean_pairwise_cosine(random),
                "effect_size": effect,
                "p_value": p,
            }
        )
    table = pd.DataFrame(rows, index=pd.RangeIndex(codes, name="code"))
    table["q_value"] = correct(table["p_value"].to_numpy())
    better = table["consistency"] > table["consistency_random"]
    table["consistent"] = (table["q_value"] <= alpha) & better
    return table


def correct(p_values: Array) -> Array:
    """Benjamini-Hochberg q-values, float64 [n]; NaN (an untested hypothesis) stays NaN and does not count."""
    q_values = np.full(len(p_values), np.nan)
    tested = np.isfinite(p_values)
    if tested.any():
        q_values[tested] = false_discovery_control(p_values[tested], method="bh")
    return q_values
