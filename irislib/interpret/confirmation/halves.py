"""Findings that are selected on one half of the episodes and confirmed on the other (protocol step 10)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from irislib.seeding import stream

DIVISIONS = 100  # of the episodes into halves
RANGE = 0.95  # of the counts over divisions

# From groups of episodes, bool [groups, episodes], to the p-values of n hypotheses; NaN where untested.
PValues = Callable[[Bool[np.ndarray, "groups episodes"]], Float64[np.ndarray, "groups n"]]


def divide(episodes: int, seed: int) -> Bool[np.ndarray, "divisions episodes"]:
    """Divisions of the episodes into halves, at random: True for the half that selects.

    Divisions come in pairs in which the halves change their roles.
    """
    rng = stream(seed, "halves")
    first = np.zeros((DIVISIONS // 2, episodes), bool)
    for row in first:
        row[rng.permutation(episodes)[: episodes // 2]] = True
    return np.stack([first, ~first], axis=1).reshape(-1, episodes)


@dataclass(frozen=True)
class Confirmed:
    """What holds again of n hypotheses, over D divisions of the episodes.

    A hypothesis is selected if its p-value on the first half is the smallest of its group and, times the size
    of the group, at most alpha.
    It is confirmed if its p-value on the second half is significant among the selected ones
    (Benjamini-Hochberg). It *holds* if it is confirmed in more than half of the divisions;
    so at most one of a group holds.

    Attributes:
        tested: whether a hypothesis can be tested in most divisions.
        share: in what share of the divisions it is confirmed.
        chosen: which hypotheses each division selects.
        second: p-values on the second halves.
        confirmed: number of confirmed hypotheses in each division.
    """

    tested: Bool[np.ndarray, " n"]
    share: Float64[np.ndarray, " n"]
    chosen: Bool[np.ndarray, "divisions n"]
    second: Float64[np.ndarray, "divisions n"]
    confirmed: Int[np.ndarray, " divisions"]

    @property
    def holds(self) -> Bool[np.ndarray, " n"]:
        """The findings."""
        found: np.ndarray = self.share > 0.5
        return found

    def summary(self) -> dict[str, float]:
        """Numbers for the report.

        Returns:
            tested: hypotheses; selected, confirmed: numbers in one division, mean over divisions; low, high:
            the range of 95% of the divisions' confirmed numbers; confirmation: confirmed / selected; NaN
            where nothing is selected.
        """
        low, high = np.quantile(self.confirmed, [(1 - RANGE) / 2, (1 + RANGE) / 2])
        selected = int(self.chosen.sum())
        return {
            "tested": int(self.tested.sum()),
            "selected": float(self.chosen.sum(axis=1).mean()),
            "confirmed": float(self.confirmed.mean()),
            "low": float(low),
            "high": float(high),
            "confirmation": float(self.confirmed.sum() / selected) if selected else float("nan"),
            "holds": int(self.holds.sum()),
        }


def confirm(
    p_values: PValues,
    halves: Bool[np.ndarray, "divisions episodes"],
    alpha: float,
    group: Int[np.ndarray, " n"] | None = None,
) -> Confirmed:
    """Selects hypotheses on one half of the episodes and confirms them on the other.

    Args:
        p_values: of n hypotheses, from groups of episodes.
        halves: see `divide`.
        alpha: largest p-value of a selected hypothesis (times the size of its group), and false discovery
            rate among the selected ones.
        group: of each hypothesis; at most one of a group is selected, for example one name of a code. By
            default each is a group of its own.
    """
    # Halves change their roles, so most groups of episodes would be tested twice.
    groups, row = np.unique(np.concatenate([halves, ~halves]), axis=0, return_inverse=True)
    first, second = np.split(p_values(groups)[row.ravel()], 2)
    open_ = np.isfinite(first) & np.isfinite(second)
    if group is None:
        chosen = open_ & (first <= alpha)
    else:
        size = np.array(
            [np.bincount(group[row], minlength=group.max(initial=-1) + 1)[group] for row in open_]
        )
        smallest = _smallest_of_group(np.where(open_, first, np.inf), group)
        chosen = open_ & smallest & (first * size <= alpha)
    confirmed = np.zeros_like(chosen)
    for division, rows in enumerate(chosen):
        confirmed[division, rows] = significant(second[division, rows], alpha)
    return Confirmed(
        tested=open_.mean(axis=0) >= 0.5,
        share=confirmed.mean(axis=0),
        chosen=chosen,
        second=second,
        confirmed=confirmed.sum(axis=1),
    )


def significant(p_values: Float64[np.ndarray, " n"], alpha: float) -> Bool[np.ndarray, " n"]:
    """Which hypotheses are rejected at a false discovery rate.

    Benjamini and Hochberg's procedure, with the share of true null hypotheses estimated from the p-values
    above 0.5 (Storey, Taylor and Siegmund 2004): most of the selected hypotheses need not be null. It is
    called some ten thousand times with few hypotheses, for which `scipy.stats.false_discovery_control` is
    slow.
    """
    n = len(p_values)
    if not n:
        return np.zeros(0, bool)
    null = min(1.0, (1 + np.count_nonzero(p_values > 0.5)) / (0.5 * n))
    ordered = np.sort(p_values)
    below = np.flatnonzero(ordered * (n / np.arange(1, n + 1)) * null <= alpha)
    if not len(below):
        return np.zeros(n, bool)
    found: np.ndarray = p_values <= ordered[below[-1]]
    return found


def _smallest_of_group(
    p_values: Float64[np.ndarray, "divisions n"], group: Int[np.ndarray, " n"]
) -> Bool[np.ndarray, "divisions n"]:
    """Whether each p-value is the smallest of its group; the first of equals."""
    best = np.zeros(p_values.shape, bool)
    if not len(group):
        return best
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    ordered = p_values[:, order]
    size = np.diff(starts, append=len(group))
    smallest = np.repeat(np.minimum.reduceat(ordered, starts, axis=1), size, axis=1)
    place = np.where(ordered == smallest, np.arange(len(group)), len(group))
    first = np.minimum.reduceat(place, starts, axis=1)
    np.put_along_axis(best, order[first], True, axis=1)
    return best
