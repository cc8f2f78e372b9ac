"""Which sets of three or more codes co-occur (docs/protocol.md, step 8)?"""

import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, Shaped
from scipy import sparse

from irislib.interpret.cooccurrence.independence_test import PresenceSeries
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.significance import correct

with warnings.catch_warnings():  # importing it turns on every DeprecationWarning
    from mlxtend.frequent_patterns import fpgrowth

COLUMNS = ("codes", "size", "count", "share", "episodes", "pmi", "p_value", "q_value", "labels", "meaningful")


@dataclass(frozen=True)
class ScoredSets:
    """What `score_sets` finds.

    Attributes:
        table: one row for each set of at least three codes, by count (descending), then size and codes.
            Columns:
            codes: ascending, separated by blanks; size: their number.
            count, share: number of observations with all of them, and their share of all observations.
            episodes: number of episodes with such an observation.
            pmi: pointwise mutual information of two parts of the set, in bits; the least over all ways to
                split the set in two.
            p_value, q_value: of the two parts co-occurring more often than independent ones; the largest
                p-value over all splits.
            labels: of the codes, in the same order.
            meaningful: see `score_sets`.
        covered: share of all observations in which some meaningful set co-occurs.
    """

    table: pd.DataFrame
    covered: float


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
    series: PresenceSeries,
    present: sparse.csr_array,
    label: Shaped[np.ndarray, " codes"],
    consistent: Bool[np.ndarray, " codes"],
    config: MetricsConfig,
    min_count: int,
) -> ScoredSets:
    """Finds sets of consistent codes and tests whether they co-occur more often than their parts explain.

    Only sets of consistent codes can mean something, so only those are mined. A set is productive (Webb 2010,
    "Self-sufficient itemsets") when, for every way to split it in two, the two parts co-occur more often than
    independent ones would. It is meaningful when it is productive at q <= alpha and occurs in at least two
    episodes. Its p-value is the largest over all splits; q-values are over all sets of three or more codes
    (Benjamini-Hochberg).

    Args:
        series: the presence of each code.
        present: [T,K] of 0 and 1, where a code's map is not empty.
        label: the commonest label of each code.
        consistent: the codes that are consistent (step 7).
        config: the `metrics` section.
        min_count: smallest number of observations in which a set co-occurs.
    """
    max_size = config.max_set_size
    mined = mine_sets(present, np.flatnonzero(consistent), min_count, max_size)
    events = series.events(mined)
    index = {codes: i for i, codes in enumerate(mined)}
    large = [codes for codes in mined if len(codes) >= 3]
    whole = events.take(np.arange(len(mined) - len(large), len(mined)))  # the largest come last
    p_values, pmi = np.zeros(len(large)), np.full(len(large), np.inf)
    for size in range(3, max_size + 1):
        rows = np.array([row for row, codes in enumerate(large) if len(codes) == size], np.int64)
        for halves in splits(size):
            first, second = (
                events.take(np.array([index[tuple(large[row][i] for i in half)] for row in rows], np.int64))
                for half in halves
            )
            tested = series.p_values(whole.count[rows], first, second)
            expected = first.count * second.count / len(series.episode)
            p_values[rows] = np.maximum(p_values[rows], tested)
            pmi[rows] = np.minimum(pmi[rows], np.log2(whole.count[rows] / expected))
    q_values = correct(p_values)
    table = pd.DataFrame(
        {
            "codes": [" ".join(map(str, codes)) for codes in large],
            "size": [len(codes) for codes in large],
            "count": whole.count,
            "share": whole.count / len(series.episode),
            "episodes": whole.episodes,
            "pmi": pmi,
            "p_value": p_values,
            "q_value": q_values,
            "labels": [" ".join(str(label[code]) for code in codes) for codes in large],
            "meaningful": (q_values <= config.alpha) & (pmi > 0) & (whole.episodes > 1),
        },
        columns=list(COLUMNS),
    )
    covered = np.zeros(len(series.episode), bool)
    for codes, meaningful in zip(large, table["meaningful"], strict=True):
        if meaningful:
            covered[series.together(codes)] = True
    order = np.lexsort((np.arange(len(large)), -table["count"].to_numpy()))
    return ScoredSets(table.iloc[order].reset_index(drop=True), float(covered.mean()))


def splits(size: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All ways to split `size` items in two, each once: the indices of one part and of the other."""
    halves = [(0, *others) for n in range(size - 1) for others in combinations(range(1, size), n)]
    return [(half, tuple(i for i in range(size) if i not in half)) for half in halves]
