"""Co-occurrence of codes: the tables of pairs and of sets, and their summary (docs/protocol.md, step 8)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool

from irislib.interpret.cooccurrence.pairs import covered, score_pairs
from irislib.interpret.cooccurrence.sets import score_sets
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.observations.visible import Visible


@dataclass(frozen=True)
class MeasuredCooccurrence:
    """What `measure_cooccurrence` finds.

    Attributes:
        pairs, sets: the tables; see `ScoredPairs` and `ScoredSets`.
        summary: sections `pairs` and `sets`: see `Confirmed.summary`, with `null`, and `covered`, the share
            of the visible observations in which a meaningful pair (or set) is present.
    """

    pairs: pd.DataFrame
    sets: pd.DataFrame
    summary: dict[str, dict[str, float]]


def measure_cooccurrence(
    maps: Maps,
    visible: Visible,
    labels: LabelMass,
    consistent: Bool[np.ndarray, " codes"],
    halves: Bool[np.ndarray, "divisions episodes"],
    config: MetricsConfig,
) -> MeasuredCooccurrence:
    """Tests the pairs and the larger sets of consistent codes that are present in the same observations.

    Args:
        maps: which occurrence has which map.
        visible: which observations show the world, and what stands in for them.
        labels: what lies under the maps.
        consistent: the codes that are consistent (step 7).
        halves: divisions of the episodes.
        config: the `metrics` section.
    """
    pairs = score_pairs(maps, visible, labels, consistent, halves, config)
    commonest = np.array(labels.names, object)[labels.counts.sum(axis=0).argmax(axis=1)]
    sets = score_sets(maps, visible, commonest, consistent, halves, config)
    meaningful = pairs.table[pairs.table["meaningful"]]
    a, b = (meaningful[name].to_numpy(np.int64) for name in ("code_a", "code_b"))
    shares = [
        float(rows[visible.observation].mean()) if visible.observation.any() else float("nan")
        for rows in (covered(maps.presence, a, b), sets.covered)
    ]
    return MeasuredCooccurrence(
        pairs.table,
        sets.table,
        {
            "pairs": pairs.found.summary() | {"null": pairs.null, "covered": shares[0]},
            "sets": sets.found.summary() | {"null": sets.null, "covered": shares[1]},
        },
    )
