"""Which sets of three or more codes co-occur (docs/protocol.md, step 8)?"""

import math
import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, Shaped
from scipy import sparse

from irislib.interpret.confirmation.excess import NULLS
from irislib.interpret.confirmation.halves import Confirmed, confirm
from irislib.interpret.confirmation.presence_sums import joint_sums
from irislib.interpret.confirmation.studentised import Excess
from irislib.interpret.evidence import Maps
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.observations.visible import Visible

with warnings.catch_warnings():  # importing it turns on every DeprecationWarning
    from mlxtend.frequent_patterns import fpgrowth

COLUMNS = ("codes", "size", "count", "share", "episodes", "labels", "confirmed", "meaningful")


@dataclass(frozen=True)
class ScoredSets:
    """What `score_sets` finds.

    Attributes:
        table: one row for each set of at least three codes, by count (descending), then size and codes.
            Columns:
            codes: ascending, separated by blanks; size: their number.
            count, share: number of visible observations with all of them, and their share of all of these.
            episodes: number of episodes with such an observation.
            labels: the commonest label of each code, in the same order.
            confirmed: share of the divisions that confirm the set; empty where untested.
            meaningful: confirmed in more than half of the divisions.
        found: what was confirmed.
        null: how many are confirmed by chance (mean over `NULLS` exchanges).
        covered: the observations in which some meaningful set co-occurs.
    """

    table: pd.DataFrame
    found: Confirmed
    null: float
    covered: Bool[np.ndarray, " observations"]


def mine_sets(
    present: sparse.csr_array, codes: Int[np.ndarray, " n"], min_count: int, max_size: int
) -> list[tuple[int, ...]]:
    """Sets of codes that at least `min_count` observations share, by FP-growth.

    Args:
        present: [T,K] of 0 and 1.
        codes: the codes to consider.
        min_count: smallest number of observations.
        max_size: largest number of codes in a set.

    Returns:
        The sets, single codes included, each ascending; ordered by size, then codes.
    """
    if len(codes) == 0:
        return []
    rows = sparse.csr_array(present[:, codes]).astype(bool)
    table = pd.DataFrame.sparse.from_spmatrix(rows)
    # Half an observation less: a share that is computed in another way must not fall short by rounding.
    found = fpgrowth(table, min_support=(min_count - 0.5) / len(table), max_len=max_size)
    sets = [tuple(sorted(int(codes[item]) for item in items)) for items in found["itemsets"]]
    return sorted(sets, key=lambda items: (len(items), items))


def score_sets(
    maps: Maps,
    visible: Visible,
    label: Shaped[np.ndarray, " codes"],
    consistent: Bool[np.ndarray, " codes"],
    halves: Bool[np.ndarray, "divisions episodes"],
    config: MetricsConfig,
) -> ScoredSets:
    """Finds sets of consistent codes and tests whether they co-occur more often than their parts explain.

    Only sets of consistent codes can mean something, so only those are mined. A set is productive (Webb 2010,
    "Self-sufficient itemsets") when, for every way to split it in two, the two parts co-occur more often than
    one part does with the other part of other episodes. Its p-value is the largest over all splits.

    Args:
        maps: which occurrence has which map.
        visible: which observations show the world, and what stands in for them.
        label: the commonest label of each code.
        consistent: the codes that are consistent (step 7).
        halves: divisions of the episodes.
        config: the `metrics` section; a set that shares fewer visible observations than `min_pair_count`, or
            a smaller share than `min_set_share`, is not tested.
    """
    present = sparse.csr_array(maps.presence * visible.observation[:, None])
    visible_steps = int(visible.observation.sum())
    min_count = max(config.min_pair_count, math.ceil(config.min_set_share * visible_steps))
    mined = mine_sets(present, np.flatnonzero(consistent), min_count, config.max_set_size)
    large = [codes for codes in mined if len(codes) >= 3]
    member = present.toarray().astype(bool)
    there = _all_present(member, large)
    count = there.sum(axis=0)
    order = np.lexsort((np.arange(len(large)), -count))
    large, there, count = [large[i] for i in order], there[:, order], count[order]

    parts = [
        (number, tuple(codes[i] for i in half), tuple(codes[i] for i in rest))
        for number, codes in enumerate(large)
        for half, rest in splits(len(codes))
    ]
    starts = np.flatnonzero(np.diff([number for number, _, _ in parts], prepend=-1))
    first = _all_present(member, [half for _, half, _ in parts])
    second = _all_present(member, [rest for _, _, rest in parts])
    sums = joint_sums(visible, first, second, "sets")

    def test(excess: Excess) -> Confirmed:
        def p_values(groups: np.ndarray) -> np.ndarray:
            by_split = excess.p_values(groups)
            largest: np.ndarray = (
                np.maximum.reduceat(by_split, starts, axis=1) if len(starts) else by_split
            )  # a NaN stays
            return largest

        return confirm(p_values, halves, config.alpha)

    found = test(sums.excess())
    null = float(np.mean([test(sums.null(round_)).confirmed.mean() for round_ in range(NULLS)]))
    table = pd.DataFrame(
        {
            "codes": [" ".join(map(str, codes)) for codes in large],
            "size": [len(codes) for codes in large],
            "count": count,
            "share": count / max(visible_steps, 1),
            "episodes": [len(np.unique(visible.episode[rows])) for rows in there.T],
            "labels": [" ".join(str(label[code]) for code in codes) for codes in large],
            "confirmed": np.where(found.tested, found.share, np.nan),
            "meaningful": found.holds,
        },
        columns=list(COLUMNS),
    )
    return ScoredSets(table, found, null, np.asarray(there[:, found.holds].any(axis=1)))


def splits(size: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All ways to split `size` items in two, each once: the indices of one part and of the other."""
    halves = [(0, *others) for n in range(size - 1) for others in combinations(range(1, size), n)]
    return [(half, tuple(i for i in range(size) if i not in half)) for half in halves]


def _all_present(
    member: Bool[np.ndarray, "observations codes"], sets: list[tuple[int, ...]]
) -> Bool[np.ndarray, "observations sets"]:
    there = np.zeros((len(member), len(sets)), bool)
    for column, codes in enumerate(sets):
        there[:, column] = member[:, codes].all(axis=1)
    return there
