"""Codes of two runs, matched by what they show and not by their numbers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from irislib.report.runs.profiles import Profiles, distances
from irislib.seeding import stream

SHUFFLES = 100
CLOSE = 0.05  # share of the pairs of shuffled codes that are close
TIE = 1e-9  # equal profiles are told apart by nothing but their numbers


@dataclass(frozen=True)
class Matching:
    """Pairs of codes, one of each run, such that the mean distance of their profiles is least.

    Attributes:
        first, second: the codes of each pair, ascending by the first.
        distance: of the profiles of each pair.
        shuffled: the same for codes that were shuffled between the runs, sorted; one row for each shuffle.
    """

    first: Int[np.ndarray, " pairs"]
    second: Int[np.ndarray, " pairs"]
    distance: Float[np.ndarray, " pairs"]
    shuffled: Float[np.ndarray, "shuffles pairs"]

    @property
    def mean(self) -> float:
        """Mean distance of the pairs; NaN without pairs."""
        return float(self.distance.mean()) if len(self.distance) else float("nan")

    @property
    def chance(self) -> tuple[float, float, float]:
        """Mean over the shuffles of the mean distance, and the range of 95% of the shuffles."""
        means = self.shuffled.mean(axis=1)
        low, high = np.quantile(means, (0.025, 0.975))
        return float(means.mean()), float(low), float(high)

    @property
    def verdict(self) -> Literal["better", "same", "worse"]:
        """Whether the pairs are closer than pairs of shuffled codes, as close, or farther apart.

        Codes that were drawn from one population for both runs are "same" in 95% of the cases, because
        then the codes of the runs can be exchanged.
        """
        _, low, high = self.chance
        return "better" if self.mean < low else "worse" if self.mean > high else "same"

    @property
    def close(self) -> Bool[np.ndarray, " pairs"]:
        """Which pairs are no farther apart than the closest 5% of the pairs of shuffled codes."""
        near: np.ndarray = self.distance <= np.quantile(self.shuffled, CLOSE)
        return near


def match(first: Profiles, second: Profiles, seed: int = 0, shuffles: int = SHUFFLES) -> Matching | None:
    """Matches the codes of two runs; where one has more codes, the rest of them stays without a partner.

    A shuffle deals all codes of both runs to two sides of the same sizes and matches these.

    Args:
        seed: of the shuffles.

    Returns:
        the pairs; None if a run has no code with a profile.
    """
    if not len(first.codes) or not len(second.codes):
        return None
    size = len(first.codes)
    whole = Profiles(
        np.concatenate([first.codes, second.codes]),
        first.labels,
        np.concatenate([first.shown, second.shown]),
        np.concatenate([first.excess, second.excess]),
    )
    apart = distances(whole, whole)
    other_number = whole.codes[:size, None] != whole.codes[None, size:]
    cost = apart[:size, size:]
    rows, columns = linear_sum_assignment(cost + TIE * other_number)
    random = stream(seed, "compare_runs")
    drawn = []
    for _ in range(shuffles):
        order = random.permutation(len(whole.codes))
        dealt = apart[np.ix_(order[:size], order[size:])]
        drawn.append(np.sort(dealt[linear_sum_assignment(dealt)]))
    return Matching(first.codes[rows], second.codes[columns], cost[rows, columns], np.stack(drawn))
