"""Which codes show up together, and do they show one thing when they do (protocol step 8)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from irislib.interpret.cooccurrence.independence_test import Meetings
from irislib.interpret.cooccurrence.pair_consistency import pair_consistency
from irislib.interpret.evidence import Crops, Maps
from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.significance import correct
from irislib.runtime import progress

Array = np.ndarray


@dataclass(frozen=True)
class Cooccurrence:
    """What `score_pairs` finds.

    Attributes:
        pairs: one row a listed pair, a < b, by count (descending), then codes. Columns: code_a, code_b,
            count (observations with both), share (of all observations), pmi (bits), episodes (with such
            an observation), p_value and q_value (of meeting more often than independent codes), label_a
            and label_b (the commonest labels under the two when they meet), label_share (of these two, of
            the meetings), label_lift (that share over the product of the codes' own), cropped (meetings with
            crops of both), consistency and consistency_random (NaN below two of those), interpretable,
            meaningful.
        seen: pairs that share at least one observation.
        covered: share of all observations in which some interpretable pair co-occurs.
        covered_meaningful: the same of meaningful pairs.
    """

    pairs: pd.DataFrame
    seen: int
    covered: float
    covered_meaningful: float


def presence(maps: Maps) -> sparse.csr_array:
    """int64 [T,K], 1 where a code's map is not empty."""
    alive = maps.occurrence_nonempty
    ones = np.ones(int(alive.sum()), np.int64)
    where = (maps.occurrence_step[alive], maps.occurrence_code[alive])
    return sparse.csr_array((ones, where), shape=(maps.steps, maps.codes))


def count_pairs(present: sparse.csr_array) -> tuple[Array, Array, Array]:
    """Observations that two codes share.

    Args:
        present: [T,K] of 0 and 1.

    Returns:
        For each pair that shares an observation: its codes a < b and the observations, each int [n],
        ordered by the codes.
    """
    met = sparse.coo_array(sparse.triu(present.T @ present, k=1))
    met.sum_duplicates()
    order = np.lexsort((met.col, met.row))
    return met.row[order], met.col[order], met.data[order]


def score_pairs(
    maps: Maps,
    meetings: Meetings,
    crops: Crops,
    labels: LabelMass,
    consistent: Array,
    alpha: float,
    min_crops: int,
    min_pair_count: int,
) -> Cooccurrence:
    """Scores pairs of codes whose maps are non-empty in the same observations (protocol step 8).

    Listed are the pairs that share at least `min_pair_count` observations. There are two readings of a
    pair that means something; in both the two codes are consistent and meet more often than independent
    codes would.

    - interpretable: PMI > 0, and the pair is more consistent than its random counterpart (see
      `pair_consistency`) over at least `min_crops` observations. Crops are a sample, so most pairs are hardly
      ever cropped together: they cannot be judged, and count as not interpretable.
    - meaningful: they meet significantly more often (q <= alpha; see `Meetings.p_values`), over all
      observations, in at least two episodes. What the pair shows is what its two codes show, each judged
      on its own crops, so that no crop in common is needed.

    Args:
        maps: who has which map.
        meetings: the observations of each code.
        crops: of all codes.
        labels: what lies under the maps.
        consistent: bool [K], from step 7.
        alpha: false discovery rate of meetings, over the listed pairs.
        min_crops: fewer shared observations with crops leave a pair not interpretable.
        min_pair_count: fewer shared observations leave a pair unlisted.
    """
    present = presence(maps)
    a, b, count = count_pairs(present)
    seen = len(a)
    order = np.lexsort((b, a, -count))
    order = order[count[order] >= min_pair_count]
    a, b, count = a[order], b[order], count[order]

    single = meetings.events([(code,) for code in range(maps.codes)])
    p_values = meetings.p_values(count, single.take(a), single.take(b))
    q_values = correct(p_values)
    pmi = np.log2(count * maps.steps / (single.count[a] * single.count[b]))
    labelled = label_meetings(maps, labels, a, b)
    own, random, shared = pair_consistency(crops, a, b)
    both = consistent[a] & consistent[b] & (pmi > 0)
    interpretable = both & (own > random) & (shared >= min_crops)
    meaningful = both & (q_values <= alpha) & (labelled["episodes"] > 1)
    pairs = pd.DataFrame(
        {
            "code_a": a,
            "code_b": b,
            "count": count,
            "share": count / maps.steps,
            "pmi": pmi,
            "episodes": labelled.pop("episodes"),
            "p_value": p_values,
            "q_value": q_values,
            **labelled,
            "cropped": shared,
            "consistency": own,
            "consistency_random": random,
            "interpretable": interpretable,
            "meaningful": meaningful,
        }
    )
    return Cooccurrence(
        pairs,
        seen,
        covered_share(present, a[interpretable], b[interpretable]),
        covered_share(present, a[meaningful], b[meaningful]),
    )


def label_meetings(maps: Maps, labels: LabelMass, a: Array, b: Array) -> dict[str, Array]:
    """What two codes show when they meet, over all observations.

    Args:
        maps: who has which map.
        labels: what lies under the maps.
        a: int [n], the first codes.
        b: int [n], the second.

    Returns:
        The columns episodes, label_a, label_b, label_share and label_lift of `Cooccurrence.pairs`.
    """
    n = len(labels.names)
    lit = np.flatnonzero(maps.occurrence_nonempty)
    lit = lit[np.argsort(maps.occurrence_code[lit], kind="stable")]  # still by step within a code
    step, label = maps.occurrence_step[lit], labels.occurrence_label[lit].astype(np.int64)
    starts = np.searchsorted(maps.occurrence_code[lit], np.arange(maps.codes + 1))
    commonest, episodes, share = np.zeros(len(a), np.int64), np.zeros(len(a), np.int64), np.zeros(len(a))
    for i in progress(range(len(a)), desc="pairs' labels", unit="pair"):
        of_a, of_b = (slice(starts[code], starts[code + 1]) for code in (a[i], b[i]))
        _, in_a, in_b = np.intersect1d(step[of_a], step[of_b], assume_unique=True, return_indices=True)
        counts = np.bincount(label[of_a][in_a] * n + label[of_b][in_b], minlength=n * n)
        commonest[i] = counts.argmax()
        share[i] = counts[commonest[i]] / len(in_a)
        episodes[i] = len(np.unique(maps.episode[step[of_a][in_a]]))
    names = np.array(labels.names, dtype=object)
    of_code = labels.counts / np.maximum(labels.counts.sum(axis=1, keepdims=True), 1)
    label_a, label_b = np.divmod(commonest, n)
    return {
        "episodes": episodes,
        "label_a": names[label_a],
        "label_b": names[label_b],
        "label_share": share,
        "label_lift": share / (of_code[a, label_a] * of_code[b, label_b]),
    }


def covered_share(present: sparse.csr_array, a: Array, b: Array) -> float:
    """Share of the T observations of `present` [T,K] in which some pair (a[i], b[i]) is present."""
    ones = np.ones(len(a), np.int64)
    partner = sparse.csr_array((ones, (a, b)), shape=(present.shape[1], present.shape[1]))
    met = (present @ partner).multiply(present).sum(axis=1)
    return float(np.count_nonzero(met) / present.shape[0])
