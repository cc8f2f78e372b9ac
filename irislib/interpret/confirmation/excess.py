"""Sums over episodes in excess of the same sums over exchanged observations (protocol step 10)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int

from irislib.interpret.confirmation.studentised import Excess

NULLS = 5  # exchanges that are tested as if they had been observed


@dataclass(frozen=True)
class Sums:
    """What was observed, summed over each episode, and what exchanged observations give instead.

    Attributes:
        observed: n sums of each episode; NaN where an episode has no part in it.
        exchanged: the same for R exchanges; NaN where the observations could not be exchanged.
    """

    observed: Float32[np.ndarray, "episodes n"]
    exchanged: Float32[np.ndarray, "rounds episodes n"]

    def take(self, columns: Int[np.ndarray, " m"]) -> "Sums":
        """Some of the n sums."""
        return Sums(self.observed[:, columns], self.exchanged[:, :, columns])

    def expected(self) -> Float64[np.ndarray, "episodes n"]:
        """The mean over the exchanges; 0 where an episode has no part."""
        return _mean(self.exchanged)

    def excess(self, sign: float = 1.0) -> Excess:
        """What was observed in excess of the exchanged observations, or what was lacking (`sign` -1)."""
        return _excess(self.observed, self.exchanged, sign)

    def null(self, round_: int, sign: float = 1.0) -> Excess:
        """The same, as if one exchange had been observed: nothing is in excess but by chance."""
        others = np.delete(self.exchanged, round_, axis=0)
        drawn = np.where(np.isnan(self.observed), np.nan, self.exchanged[round_]).astype(np.float32)
        return _excess(drawn, others, sign)


def _mean(exchanged: Float32[np.ndarray, "rounds episodes n"]) -> Float64[np.ndarray, "episodes n"]:
    known = np.isfinite(exchanged)
    total = np.where(known, exchanged, 0).sum(axis=0, dtype=np.float64)
    mean: np.ndarray = total / np.maximum(known.sum(axis=0), 1)
    return mean


def _excess(
    observed: Float32[np.ndarray, "episodes n"],
    exchanged: Float32[np.ndarray, "rounds episodes n"],
    sign: float,
) -> Excess:
    n = np.isfinite(exchanged).sum(axis=0)
    part = np.isfinite(observed) & (n > 1)
    mean = _mean(exchanged)
    squares = np.nansum((exchanged - mean) ** 2, axis=0)
    # Of one draw around the mean of n draws.
    variance = squares / np.maximum(n - 1, 1) * (1 + 1 / np.maximum(n, 1))
    value = sign * (np.where(part, observed, 0).astype(np.float64) - np.where(part, mean, 0))
    return Excess(value, part, np.where(part, variance, 0))
