"""Which pairs of codes co-occur, and does a pair mean something (docs/protocol.md, step 8)?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from scipy import sparse

from irislib.interpret.cooccurrence.independence_test import PresenceSeries
from irislib.interpret.cooccurrence.pair_consistency import pair_consistency
from irislib.interpret.cooccurrence.pair_labels import label_combinations
from irislib.interpret.evidence import Crops, Maps
from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.significance import correct


@dataclass(frozen=True)
class ScoredPairs:
    """What `score_pairs` finds.

    Attributes:
        pairs: one row for each listed pair of codes a < b, by count (descending), then codes. Columns:
            code_a, code_b.
            count, share: number of observations with both, and their share of all observations.
            pmi: pointwise mutual information of their presence, in bits.
            episodes: number of episodes with such an observation.
            p_value, q_value: of co-occurring more often than independent codes.
            label_a, label_b, label_share, label_lift: see `label_combinations`.
            cropped: number of observations with crops of both.
            consistency, consistency_random: see `pair_consistency`.
            interpretable, meaningful: see `score_pairs`.
        seen: number of pairs that share at least one observation.
        covered: share of all observations in which some interpretable pair co-occurs.
        covered_meaningful: share of all observations in which some meaningful pair co-occurs.
    """

    pairs: pd.DataFrame
    seen: int
    covered: float
    covered_meaningful: float


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
    return both.row[order], both.col[order], both.data[order]


def score_pairs(
    maps: Maps,
    series: PresenceSeries,
    crops: Crops,
    labels: LabelMass,
    consistent: Bool[np.ndarray, " codes"],
    config: MetricsConfig,
) -> ScoredPairs:
    """Scores pairs of codes whose maps are non-empty in the same observations.

    A pair is listed when it shares at least `min_pair_count` observations. It can mean something in two ways;
    both require that the two codes are consistent and have a PMI above 0.

    - interpretable: the pair is more consistent than its random counterpart (`pair_consistency`) over at
      least `min_crops` observations. Crops are a sample, so most pairs are hardly ever cropped together. Such
      pairs cannot be judged and count as not interpretable.
    - meaningful: the pair co-occurs significantly more often than independent codes would (q <= alpha), over
      all observations, in at least two episodes. Each code is judged by its own crops, so no crops in common
      are needed.

    Args:
        maps: which occurrence has which map.
        series: the presence of each code.
        crops: of all codes.
        labels: what lies under the maps.
        consistent: the codes that are consistent (step 7).
        config: the `metrics` section; alpha is the false discovery rate over the listed pairs.
    """
    a, b, count = count_pairs(maps.presence)
    seen = len(a)
    order = np.lexsort((b, a, -count))
    order = order[count[order] >= config.min_pair_count]
    a, b, count = a[order], b[order], count[order]

    single = series.events([(code,) for code in range(maps.codes)])
    p_values = series.p_values(count, single.take(a), single.take(b))
    q_values = correct(p_values)
    pmi = np.log2(count * maps.steps / (single.count[a] * single.count[b]))
    labelled = label_combinations(maps, labels, a, b)
    own, random, shared = pair_consistency(crops, a, b)
    both = consistent[a] & consistent[b] & (pmi > 0)
    interpretable = both & (own > random) & (shared >= config.min_crops)
    meaningful = both & (q_values <= config.alpha) & (labelled["episodes"] > 1)
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
    return ScoredPairs(
        pairs,
        seen,
        covered_share(maps.presence, a[interpretable], b[interpretable]),
        covered_share(maps.presence, a[meaningful], b[meaningful]),
    )


def covered_share(present: sparse.csr_array, a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]) -> float:
    """Share of the observations in which both codes of some pair (a[i], b[i]) are present.

    Args:
        present: [T,K] of 0 and 1.
        a: the first codes.
        b: the second codes.
    """
    ones = np.ones(len(a), np.int64)
    partner = sparse.csr_array((ones, (a, b)), shape=(present.shape[1], present.shape[1]))
    covered = (present @ partner).multiply(present).sum(axis=1)
    return float(np.count_nonzero(covered) / present.shape[0])
