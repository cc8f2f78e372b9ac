"""Sums over episodes in excess of the same sums over exchanged observations (protocol step 10)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int, Int64

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
        return _count_and_mean(list(self.exchanged))[1]

    def excess(self) -> Excess:
        """What was observed in excess of the exchanged observations."""
        return _excess(self.observed, list(self.exchanged))

    def null(self, round_: int) -> Excess:
        """The same, as if one exchange had been observed: nothing is in excess but by chance."""
        others = [drawn for other, drawn in enumerate(self.exchanged) if other != round_]
        drawn = np.where(np.isnan(self.observed), np.nan, self.exchanged[round_]).astype(np.float32)
        return _excess(drawn, others)


Rounds = Sequence[Float32[np.ndarray, "episodes n"]]


def _count_and_mean(
    exchanged: Rounds,
) -> tuple[Int64[np.ndarray, "episodes n"], Float64[np.ndarray, "episodes n"]]:
    """In how many exchanges each sum is known, and the mean over them; 0 where in none."""
    count, total = np.zeros(exchanged[0].shape, np.int64), np.zeros(exchanged[0].shape)
    for drawn in exchanged:  # one at a time: all at once would not fit the caches
        known = np.isfinite(drawn)
        count += known
        total += np.where(known, drawn, 0)
    return count, total / np.maximum(count, 1)


def _excess(observed: Float32[np.ndarray, "episodes n"], exchanged: Rounds) -> Excess:
    n, mean = _count_and_mean(exchanged)
    part = np.isfinite(observed) & (n > 1)
    squares = np.zeros(mean.shape)
    for drawn in exchanged:
        squares += np.where(np.isfinite(drawn), drawn - mean, 0) ** 2
    # Of one draw around the mean of n draws.
    variance = squares / np.maximum(n - 1, 1) * (1 + 1 / np.maximum(n, 1))
    value = np.where(part, observed, 0).astype(np.float64) - np.where(part, mean, 0)
    return Excess(value, part, np.where(part, variance, 0))
