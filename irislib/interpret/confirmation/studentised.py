"""p-values of a sum over episodes, for many groups of episodes at once (protocol step 10).

The frames of one episode look alike, so an episode is one draw, however long it is. A sum is divided by its
standard error between episodes; the quotient has about a t distribution with one degree of freedom less than
there are episodes. Unlike the p-value of a sign-flip test, which is never below 2^-E, that of a strong effect
in few episodes is small enough to survive a correction for many tests.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from scipy.special import stdtr

FEWEST = 5  # episodes; with fewer, a standard error says little


@dataclass(frozen=True)
class Excess:
    """What each of E episodes contributes to n statistics, in excess of what is expected.

    Attributes:
        value: the contributions; 0 where an episode takes no part.
        part: whether the episode takes part.
        variance: of the contribution under the null hypothesis; 0 where that is not known.
    """

    value: Float64[np.ndarray, "episodes n"]
    part: Bool[np.ndarray, "episodes n"]
    variance: Float64[np.ndarray, "episodes n"]

    def p_values(self, groups: Bool[np.ndarray, "groups episodes"]) -> Float64[np.ndarray, "groups n"]:
        """One-sided p-values that the sums over groups of episodes are above 0; NaN where untested.

        The variance of a sum is the larger of two estimates: the spread of the contributions between the
        episodes of the group, and the sum of their variances under the null hypothesis. The second one is
        needed where contributions are skewed: of a label that is nearly everywhere, a few episodes may all
        show a little too much, with hardly any spread.

        Args:
            groups: which episodes are in each group.

        Returns:
            NaN where fewer than `FEWEST` episodes of a group take part, and where nothing varies.
        """
        return _upper_tail(*self._t(groups))

    def both_p_values(
        self, groups: Bool[np.ndarray, "groups episodes"]
    ) -> Float64[np.ndarray, "groups twice_n"]:
        """The `p_values` that the sums are above 0, then those that they are below 0."""
        t, freedom = self._t(groups)
        return np.concatenate([_upper_tail(t, freedom), _upper_tail(-t, freedom)], axis=1)

    def _t(self, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Student's t of the sums over groups of episodes, NaN where untested, and its degrees of freedom."""
        chosen = groups.astype(np.float64)
        total, squares = chosen @ self.value, chosen @ self.value**2
        n = chosen @ self.part
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = (squares - total**2 / n) * n / (n - 1)
            variance = np.maximum(spread, chosen @ self.variance)
            t = total / np.sqrt(variance)
        t[(n < FEWEST) | ~(variance > 0)] = np.nan
        return t, n - 1


def jackknife_p_values(
    value: Float64[np.ndarray, " groups"],
    without: Float64[np.ndarray, "groups episodes"],
    groups: Bool[np.ndarray, "groups episodes"],
) -> Float64[np.ndarray, " groups"]:
    """One-sided p-values that a statistic is above 0, by its jackknife over episodes (Efron and Stein 1981).

    Args:
        value: the statistic of each group.
        without: the same without each one of its episodes; the others are ignored.
        groups: which episodes are in each group.

    Returns:
        NaN where a group has fewer than `FEWEST` episodes, and where nothing varies.
    """
    n = groups.sum(axis=1)
    values = np.where(groups, without, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.sum(axis=1, keepdims=True) / n[:, None]
        variance = (n - 1) / n * (np.where(groups, values - mean, 0) ** 2).sum(axis=1)
        p_values: np.ndarray = _upper_tail(value / np.sqrt(variance), n - 1)
    p_values[(n < FEWEST) | ~(variance > 0)] = np.nan
    return p_values


def _upper_tail(t: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """How likely Student's t exceeds these values. `scipy.stats.t.sf` is the same, with slow checks."""
    probability: np.ndarray = stdtr(freedom, -t)
    return probability
