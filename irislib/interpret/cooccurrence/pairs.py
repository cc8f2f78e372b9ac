"""Which pairs of codes occur together more often than time and place explain (docs/protocol.md, step 8)?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from scipy import sparse

from irislib.interpret.confirmation.excess import NULLS
from irislib.interpret.confirmation.halves import Confirmed, confirm
from irislib.interpret.confirmation.presence_sums import joint_sums
from irislib.interpret.cooccurrence.pair_labels import label_combinations
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.observations.visible import Visible


@dataclass(frozen=True)
class ScoredPairs:
    """What `score_pairs` finds.

    Attributes:
        table: one row for each pair of codes a < b, by count (descending), then codes. Columns:
            code_a, code_b.
            count, share: number of visible observations with both, and their share of all of these.
            expected: the number if the second one were present when it is in other episodes at the same step.
            episodes: number of episodes with such an observation.
            label_a, label_b, label_share, label_lift: see `label_combinations`.
            confirmed: share of the divisions that confirm the pair; empty where untested.
            meaningful: confirmed in more than half of the divisions.
        found: what was confirmed.
        null: how many are confirmed by chance (mean over `NULLS` exchanges).
    """

    table: pd.DataFrame
    found: Confirmed
    null: float


def score_pairs(
    maps: Maps,
    visible: Visible,
    labels: LabelMass,
    consistent: Bool[np.ndarray, " codes"],
    halves: Bool[np.ndarray, "divisions episodes"],
    config: MetricsConfig,
) -> ScoredPairs:
    """Tests the pairs of consistent codes: only these can mean something together.

    Args:
        maps: which occurrence has which map.
        visible: which observations show the world, and what stands in for them.
        labels: what lies under the maps.
        consistent: the codes that are consistent (step 7).
        halves: divisions of the episodes.
        config: the `metrics` section. A pair that shares fewer than `min_pair_count` visible observations is
            not tested.
    """
    codes = np.flatnonzero(consistent)
    there = sparse.csr_array(maps.presence[:, codes] * visible.observation[:, None])
    a, b, count = count_pairs(there)
    order = np.lexsort((b, a, -count))
    order = order[count[order] >= config.min_pair_count]
    a, b, count = a[order], b[order], count[order]

    member = there.toarray().astype(bool)
    sums = joint_sums(visible, member[:, a], member[:, b], "pairs")
    found = confirm(sums.excess().p_values, halves, config.alpha)
    null = [confirm(sums.null(round_).p_values, halves, config.alpha) for round_ in range(NULLS)]
    table = pd.DataFrame(
        {
            "code_a": codes[a],
            "code_b": codes[b],
            "count": count,
            "share": count / visible.observation.sum(),
            "expected": sums.expected().sum(axis=0),
            **label_combinations(maps, labels, codes[a], codes[b]),
            "confirmed": np.where(found.tested, found.share, np.nan),
            "meaningful": found.holds,
        }
    )
    return ScoredPairs(table, found, float(np.mean([one.confirmed.mean() for one in null])))


def count_pairs(
    present: sparse.csr_array,
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Pairs of codes that share an observation.

    Args:
        present: [T,K] of 0 and 1.

    Returns:
        The codes a < b of each pair, and the number of observations with both; ordered by the codes.
    """
    both = sparse.coo_array(sparse.triu(present.T @ present, k=1))
    both.sum_duplicates()
    order = np.lexsort((both.col, both.row))
    return both.row[order].astype(np.int64), both.col[order].astype(np.int64), both.data[order]


def covered(
    present: sparse.csr_array, a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]
) -> Bool[np.ndarray, " observations"]:
    """The observations in which both codes of some pair (a[i], b[i]) are present.

    Args:
        present: [T,K] of 0 and 1.
        a: the first codes.
        b: the second codes.
    """
    ones = np.ones(len(a), np.int64)
    partner = sparse.csr_array((ones, (a, b)), shape=(present.shape[1], present.shape[1]))
    found: np.ndarray = np.asarray((present @ partner).multiply(present).sum(axis=1)).ravel() > 0
    return found
