"""Sets of three codes and more that show up together (protocol step 8)."""

import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse

from irislib.interpret.cooccurrence.independence_test import Meetings
from irislib.interpret.significance import correct

with warnings.catch_warnings():  # at its import it turns on every DeprecationWarning
    from mlxtend.frequent_patterns import fpgrowth

Array = np.ndarray

COLUMNS = ("codes", "size", "count", "share", "episodes", "pmi", "p_value", "q_value", "labels", "meaningful")


@dataclass(frozen=True)
class Sets:
    """What `score_sets` finds.

    Attributes:
        table: one row a set of at least three codes, by count (descending), then size and codes. Columns:
            codes (ascending, separated by blanks), size, count (observations with all of them), share (of
            all), episodes (with such an observation), pmi (bits, the least over all ways to part the set in
            two), p_value (the largest over these), q_value, labels (of its codes, in the same order),
            meaningful.
        covered: share of all observations with some meaningful set.
    """

    table: pd.DataFrame
    covered: float


def mine_sets(
    present: sparse.csr_array, codes: Array, min_count: int, max_size: int
) -> list[tuple[int, ...]]:
    """Sets of codes that at least `min_count` observations share, by FP-growth.

    Args:
        present: [T,K] of 0 and 1.
        codes: int [n], the codes to look at.
        min_count: observations.
        max_size: codes a set.

    Returns:
        The sets, single codes included, each ascending; ordered by size, then codes.
    """
    if len(codes) == 0:
        return []
    rows = sparse.csr_array(present[:, codes]).astype(bool)
    table = pd.DataFrame.sparse.from_spmatrix(rows)
    # Half a count below: a share that is computed otherwise must not fall short by rounding.
    found = fpgrowth(table, min_support=(min_count - 0.5) / len(table), max_len=max_size)
    sets = [tuple(sorted(int(codes[item]) for item in items)) for items in found["itemsets"]]
    return sorted(sets, key=lambda items: (len(items), items))


def score_sets(
    meetings: Meetings,
    present: sparse.csr_array,
    label: Array,
    consistent: Array,
    alpha: float,
    min_count: int,
    max_size: int,
) -> Sets:
    """Finds sets of consistent codes and tests whether they are more than the sum of their parts.

    Only sets of consistent codes can mean something, so only those are mined. A set is productive (Webb
    2010, "Self-sufficient itemsets") when for every way to part it in two the parts meet more often than
    independent ones would. It is meaningful when all these tests are significant and it spans at least two
    episodes: p is the largest of theirs, corrected over all sets of three and more after Benjamini and
    Hochberg.

    Args:
        meetings: the observations of each code.
        present: [T,K] of 0 and 1, where a code's map is not empty.
        label: [K], names of the codes' commonest labels.
        consistent: bool [K].
        alpha: false discovery rate.
        min_count: observations that a set must have.
        max_size: codes a set, at most.
    """
    mined = mine_sets(present, np.flatnonzero(consistent), min_count, max_size)
    events = meetings.events(mined)
    place = {codes: i for i, codes in enumerate(mined)}
    large = [codes for codes in mined if len(codes) >= 3]
    whole = events.take(np.arange(len(mined) - len(large), len(mined)))  # the largest come last
    p_values, pmi = np.zeros(len(large)), np.full(len(large), np.inf)
    for size in range(3, max_size + 1):
        rows = np.array([row for row, codes in enumerate(large) if len(codes) == size], np.int64)
        for halves in part(size):
            first, second = (
                events.take(np.array([place[tuple(large[row][i] for i in half)] for row in rows], np.int64))
                for half in halves
            )
            tested = meetings.p_values(whole.count[rows], first, second)
            expected = first.count * second.count / len(meetings.episode)
            p_values[rows] = np.maximum(p_values[rows], tested)
            pmi[rows] = np.minimum(pmi[rows], np.log2(whole.count[rows] / expected))
    q_values = correct(p_values)
    table = pd.DataFrame(
        {
            "codes": [" ".join(map(str, codes)) for codes in large],
            "size": [len(codes) for codes in large],
            "count": whole.count,
            "share": whole.count / len(meetings.episode),
            "episodes": whole.episodes,
            "pmi": pmi,
            "p_value": p_values,
            "q_value": q_values,
            "labels": [" ".join(str(label[code]) for code in codes) for codes in large],
            "meaningful": (q_values <= alpha) & (pmi > 0) & (whole.episodes > 1),
        },
        columns=list(COLUMNS),
    )
    covered = np.zeros(len(meetings.episode), bool)
    for codes, meaningful in zip(large, table["meaningful"], strict=True):
        if meaningful:
            covered[meetings.together(codes)] = True
    order = np.lexsort((np.arange(len(large)), -table["count"].to_numpy()))
    return Sets(table.iloc[order].reset_index(drop=True), float(covered.mean()))


def part(size: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The ways to part `size` things in two, each once: the places of one half and of the other."""
    halves = [(0, *others) for n in range(size - 1) for others in combinations(range(1, size), n)]
    return [(half, tuple(i for i in range(size) if i not in half)) for half in halves]
