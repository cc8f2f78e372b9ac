"""Do codes co-occur more often than independent codes would (docs/protocol.md, step 8)?"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int
from scipy import sparse
from scipy.special import gammainc

from irislib.runtime import progress

LAG_RATIO = 1.5  # of neighbouring lags; the autocovariance varies ever more slowly


@dataclass(frozen=True)
class Events:
    """Statistics of n events. An event is that every code of some set has a non-empty map.

    Attributes:
        count: number of observations with the event.
        episodes: number of episodes with such an observation.
        autocovariance: of the event's indicator within episodes, at the lags of `PresenceSeries`; negative
            values are set to 0.
    """

    count: Int[np.ndarray, " n"]
    episodes: Int[np.ndarray, " n"]
    autocovariance: Float64[np.ndarray, "n lags"]

    def take(self, rows: Int[np.ndarray, " m"]) -> "Events":
        """Some of the events."""
        return Events(self.count[rows], self.episodes[rows], self.autocovariance[rows])


@dataclass(frozen=True)
class PresenceSeries:
    """The time series of each code's presence: T observations in the order of their episodes.

    Attributes:
        member: where each code has a non-empty map.
        episode: int64, ascending.
        elapsed, remaining: int64, number of observations of the same episode before and after this one.
        lags: int64, 0 and growing distances.
        lagged: int64, for each lag, number of observations with another one of their episode that much later.
        weight: float64, for each lag, number of ordered pairs of observations of one episode whose distance
            is nearest to it.
    """

    member: Bool[np.ndarray, "steps codes"]
    episode: Int[np.ndarray, " steps"]
    elapsed: Int[np.ndarray, " steps"]
    remaining: Int[np.ndarray, " steps"]
    lags: Int[np.ndarray, " lags"]
    lagged: Int[np.ndarray, " lags"]
    weight: Float64[np.ndarray, " lags"]

    @classmethod
    def of(cls, present: sparse.csr_array, episode: Int[np.ndarray, " steps"]) -> "PresenceSeries":
        """From the presence of codes.

        Args:
            present: [T,K] of 0 and 1, where a code's map is not empty.
            episode: of each observation; observations of one episode are in their order of time.
        """
        order = np.argsort(episode, kind="stable")
        episode, length = np.unique(episode[order], return_inverse=True, return_counts=True)[1:]
        elapsed = np.arange(len(order)) - (np.cumsum(length) - length)[episode]
        lags = [0]
        while math.ceil(lags[-1] * LAG_RATIO + 1) < length.max():
            lags.append(math.ceil(lags[-1] * LAG_RATIO + 1))
        distance = np.arange(length.max())
        lagged = np.array([np.maximum(length - lag, 0).sum() for lag in distance])
        nearest = np.abs(distance[:, None] - lags).argmin(axis=1)
        weight = np.bincount(nearest, weights=lagged * np.where(distance > 0, 2, 1), minlength=len(lags))
        member = present[order].astype(bool).toarray()
        remaining = length[episode] - 1 - elapsed
        return cls(member, episode, elapsed, remaining, np.array(lags), lagged[lags], weight)

    def together(self, codes: tuple[int, ...]) -> Int[np.ndarray, " n"]:
        """The observations in which all these codes are present, int64, in the order of episodes."""
        rows = np.flatnonzero(self.member[:, codes[0]])
        for code in codes[1:]:
            rows = rows[self.member[rows, code]]
        return rows

    def events(self, sets: list[tuple[int, ...]]) -> Events:
        """The statistics of the joint presence of each set of codes."""
        count, episodes = np.zeros((2, len(sets)), np.int64)
        autocovariance = np.zeros((len(sets), len(self.lags)))
        for i, codes in enumerate(progress(sets, desc="events", unit="set")):
            rows = self.together(codes)
            count[i], episodes[i] = len(rows), len(np.unique(self.episode[rows]))
            autocovariance[i] = self.autocovariance(rows)
        return Events(count, episodes, autocovariance)

    def autocovariance(self, rows: Int[np.ndarray, " n"]) -> Float64[np.ndarray, " lags"]:
        """The autocovariance of the indicator of some observations, negative values set to 0."""
        steps = len(self.episode)
        there, rate = np.zeros(steps, bool), len(rows) / steps
        there[rows] = True
        elapsed, remaining = self.elapsed[rows], self.remaining[rows]
        covariance = np.zeros(len(self.lags))
        for i, (lag, lagged) in enumerate(zip(self.lags, self.lagged, strict=True)):
            left = rows[remaining >= lag]
            ends = len(left) + np.count_nonzero(elapsed >= lag)
            covariance[i] = (np.count_nonzero(there[left + lag]) - rate * ends) / lagged + rate**2
        return np.maximum(covariance, 0)

    def p_values(
        self, count: Int[np.ndarray, " n"], first: Events, second: Events
    ) -> Float64[np.ndarray, " n"]:
        """One-sided p-values that two events co-occur more often than independent events would.

        Neighbouring observations are alike, so a co-occurrence is followed by others: hypergeometric and
        chi-squared p-values of the count are far too small. For independent events with their own
        autocovariances, the count has the mean m = T p q, and its variance v is the sum, over all ordered
        pairs of observations of one episode, of the product of the two autocovariances at their distance
        (Bartlett 1946). Co-occurrences then come in groups of v / m, so count / (v / m) is taken to be
        Poisson distributed with mean m / (v / m).

        Args:
            count: number of observations with both events.
            first: n events.
            second: n events.
        """
        mean = first.count * second.count / len(self.episode)
        variance = (first.autocovariance * second.autocovariance) @ self.weight
        group = np.divide(variance, mean, out=np.ones_like(mean), where=variance > 0)
        p_values: np.ndarray = gammainc(count / group, mean / group)
        return p_values
