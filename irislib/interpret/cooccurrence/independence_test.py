"""How often codes meet, and whether that is more than chance (protocol step 8)."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import gammainc

from irislib.runtime import progress

Array = np.ndarray

LAG_RATIO = 1.5  # of neighbouring lags; persistence varies ever more slowly


@dataclass(frozen=True)
class Events:
    """What is known of n events, each being that all of some codes have a non-empty map.

    Attributes:
        count: int64 [n], observations with the event.
        episodes: int64 [n], with such an observation.
        persistence: float64 [n,lags], the autocovariance of the event's indicator within episodes at the
            lags of `Meetings`; negative ones are set to 0.
    """

    count: Array
    episodes: Array
    persistence: Array

    def take(self, rows: Array) -> "Events":
        """Some of them, int [m]."""
        return Events(self.count[rows], self.episodes[rows], self.persistence[rows])


@dataclass(frozen=True)
class Meetings:
    """T observations in the order of their episodes, and which of K codes have a non-empty map there.

    Attributes:
        member: bool [T,K].
        episode: int64 [T], ascending.
        elapsed, remaining: int64 [T], observations of the same episode before and after.
        lags: int64 [lags], from 0, ever further apart.
        pairs: int64 [lags], observations that have another one of their episode that much later.
        weight: float64 [lags], ordered pairs of observations of one episode about as far apart.
    """

    member: Array
    episode: Array
    elapsed: Array
    remaining: Array
    lags: Array
    pairs: Array
    weight: Array

    @classmethod
    def of(cls, present: sparse.csr_array, episode: Array) -> "Meetings":
        """From where the maps are not empty, [T,K] of 0 and 1, and the episode of each, int [T], in time."""
        order = np.argsort(episode, kind="stable")
        episode, length = np.unique(episode[order], return_inverse=True, return_counts=True)[1:]
        elapsed = np.arange(len(order)) - (np.cumsum(length) - length)[episode]
        lags = [0]
        while math.ceil(lags[-1] * LAG_RATIO + 1) < length.max():
            lags.append(math.ceil(lags[-1] * LAG_RATIO + 1))
        apart = np.arange(length.max())
        pairs = np.array([np.maximum(length - lag, 0).sum() for lag in apart])
        nearest = np.abs(apart[:, None] - lags).argmin(axis=1)
        weight = np.bincount(nearest, weights=pairs * np.where(apart > 0, 2, 1), minlength=len(lags))
        member = present[order].astype(bool).toarray()
        remaining = length[episode] - 1 - elapsed
        return cls(member, episode, elapsed, remaining, np.array(lags), pairs[lags], weight)

    def together(self, codes: tuple[int, ...]) -> Array:
        """The observations with all of some codes, int64, ascending in the order of episodes."""
        rows = np.flatnonzero(self.member[:, codes[0]])
        for code in codes[1:]:
            rows = rows[self.member[rows, code]]
        return rows

    def events(self, sets: list[tuple[int, ...]]) -> Events:
        """What is known of all codes of each set being there."""
        count, episodes = np.zeros((2, len(sets)), np.int64)
        persistence = np.zeros((len(sets), len(self.lags)))
        for i, codes in enumerate(progress(sets, desc="events", unit="set")):
            rows = self.together(codes)
            count[i], episodes[i] = len(rows), len(np.unique(self.episode[rows]))
            persistence[i] = self.persistence(rows)
        return Events(count, episodes, persistence)

    def persistence(self, rows: Array) -> Array:
        """The autocovariance of the indicator of some observations; see `Events`."""
        steps = len(self.episode)
        there, rate = np.zeros(steps, bool), len(rows) / steps
        there[rows] = True
        elapsed, remaining = self.elapsed[rows], self.remaining[rows]
        covariance = np.zeros(len(self.lags))
        for i, (lag, pairs) in enumerate(zip(self.lags, self.pairs, strict=True)):
            left = rows[remaining >= lag]
            ends = len(left) + np.count_nonzero(elapsed >= lag)
            covariance[i] = (np.count_nonzero(there[left + lag]) - rate * ends) / pairs + rate**2
        return np.maximum(covariance, 0)

    def p_values(self, count: Array, first: Events, second: Events) -> Array:
        """One-sided p-values that two events meet more often than independent ones would.

        An observation is much like the last, so what meets once meets again in the next: hypergeometric or
        chi-squared p-values of the count are far too small. Were the events independent, each keeping its
        own persistence, the count would have mean m = T p q and variance v = sum over all ordered pairs of
        observations of one episode of the product of their autocovariances at this lag (Bartlett 1946). As
        v / m meetings then come at once, count / (v / m) is taken for a Poisson number with mean m / (v / m).

        Args:
            count: int [n], observations with both.
            first: n events.
            second: n events.

        Returns:
            float64 [n].
        """
        mean = first.count * second.count / len(self.episode)
        variance = (first.persistence * second.persistence) @ self.weight
        at_once = np.divide(variance, mean, out=np.ones_like(mean), where=variance > 0)
        p_values: Array = gammainc(count / at_once, mean / at_once)
        return p_values
