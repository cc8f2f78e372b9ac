"""Co-occurrence of codes: the tables of pairs and of sets, and their summary (docs/protocol.md, step 8)."""

import math

import numpy as np
import pandas as pd
from jaxtyping import Bool, Shaped

from irislib.interpret.cooccurrence.independence_test import PresenceSeries
from irislib.interpret.cooccurrence.pairs import ScoredPairs, score_pairs
from irislib.interpret.cooccurrence.sets import ScoredSets, score_sets
from irislib.interpret.evidence import Crops, Maps
from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.metrics_config import MetricsConfig


def measure_cooccurrence(
    maps: Maps,
    crops: Crops,
    labels: LabelMass,
    label: Shaped[np.ndarray, " codes"],
    consistent: Bool[np.ndarray, " codes"],
    config: MetricsConfig,
) -> tuple[dict[str, pd.DataFrame], dict[str, float]]:
    """Scores the pairs and the larger sets of codes whose maps are non-empty in the same observations.

    Args:
        maps: which occurrence has which map.
        crops: of all codes.
        labels: what lies under the maps.
        label: the commonest label of each code.
        consistent: the codes that are consistent (step 7).
        config: the `metrics` section.

    Returns:
        The tables `pairs` and `sets` (see `ScoredPairs` and `ScoredSets`), and their summary.
    """
    series = PresenceSeries.of(maps.presence, maps.episode)
    pairs = score_pairs(maps, series, crops, labels, consistent, config)
    min_count = max(config.min_pair_count, math.ceil(config.min_set_share * maps.steps))
    sets = score_sets(series, maps.presence, label, consistent, config, min_count)
    summary = summarise_pairs(pairs, config.min_crops) | summarise_sets(sets)
    return {"pairs": pairs.pairs, "sets": sets.table}, summary


def summarise_pairs(found: ScoredPairs, min_crops: int) -> dict[str, float]:
    """Numbers of pairs and the observations that they cover.

    A pair is judged when it is cropped together in at least `min_crops` observations; only judged pairs can
    be interpretable. single_episode_share is over the listed pairs. A median share is the median, over the
    interpretable or meaningful pairs, of the share of observations that one pair covers.
    """
    pairs = found.pairs
    interpretable, meaningful = pairs[pairs["interpretable"]], pairs[pairs["meaningful"]]
    return {
        "pairs_seen": found.seen,
        "pairs_tested": len(pairs),
        "pairs_judged": int((pairs["cropped"] >= min_crops).sum()),
        "pairs_interpretable": len(interpretable),
        "observations_covered": found.covered,
        "interpretable_median_share": interpretable["share"].median(),
        "single_episode_share": (pairs["episodes"] == 1).mean(),
        "pairs_meaningful": len(meaningful),
        "observations_covered_meaningful": found.covered_meaningful,
        "meaningful_median_share": meaningful["share"].median(),
        "meaningful_median_episodes": meaningful["episodes"].median(),
    }


def summarise_sets(found: ScoredSets) -> dict[str, float]:
    """Numbers of sets and the observations that they cover."""
    meaningful = found.table[found.table["meaningful"]]
    return {
        "sets_tested": len(found.table),
        "sets_meaningful": len(meaningful),
        "observations_covered_by_sets": found.covered,
        "sets_median_episodes": meaningful["episodes"].median(),
        "sets_single_episode_share": (found.table["episodes"] == 1).mean(),
    }
