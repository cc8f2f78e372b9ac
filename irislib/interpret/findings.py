"""All families of findings for the maps of one attribution (docs/protocol.md, steps 7 to 10)."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from irislib.interpret.confirmation.halves import divide
from irislib.interpret.consistency.measure import measure_consistency
from irislib.interpret.cooccurrence.measure import MeasuredCooccurrence, measure_cooccurrence
from irislib.interpret.crops.attribution_kinds import Attribution
from irislib.interpret.evidence import Crops
from irislib.interpret.labels.measure import MeasuredLabels, measure_labels
from irislib.interpret.labels.truth import Truth
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.observations.visible import Visible

FAMILIES = ("consistency", "names", "items", "pairs")


@dataclass(frozen=True)
class Findings:
    """What `find` finds.

    Attributes:
        halves: divisions of the episodes, True for the half that selects.
        consistency: K rows by code; see `score_codes` and `score_random`.
        labels: of the maps.
        groups: pairs and sets of codes.
        summary: sections of numbers, by name.
    """

    halves: Bool[np.ndarray, "divisions episodes"]
    consistency: pd.DataFrame
    labels: MeasuredLabels
    groups: MeasuredCooccurrence
    summary: dict[str, dict[str, Any]]

    def row(self, parts: tuple[str, ...]) -> dict[str, float]:
        """The main numbers in one row.

        Args:
            parts: which numbers of each family, of `Confirmed.summary` and "null".

        Returns:
            FAMILY_PART for each family of `FAMILIES`.
        """
        return {f"{family}_{part}": self.summary[family][part] for family in FAMILIES for part in parts}


def find(
    truth: Truth,
    visible: Visible,
    attribution: Attribution,
    crops: Crops,
    activation: Float[np.ndarray, " crops"],
    config: MetricsConfig,
    seed: int,
    whole: bool = False,
) -> Findings:
    """Looks for consistent codes, names, items, pairs and sets, and confirms them on other episodes.

    Args:
        truth: labels of the play.
        visible: which observations show the world, and what stands in for them.
        attribution: the maps.
        crops: of all codes, under these maps.
        activation: largest value of the map behind each crop (`crop_activation`).
        config: the `metrics` section.
        seed: the pipeline's.
        whole: also what is in no `row`: intervals by code, random boxes, and sets of three or more codes.
    """
    halves = divide(visible.episodes, seed)
    maps = attribution.maps
    alike = measure_consistency(crops, activation, maps.codes, halves, config, seed, whole)
    labels = measure_labels(truth, visible, attribution, halves, config.alpha, seed)
    mined = config if whole else replace(config, max_set_size=2)  # a set has three codes at least
    groups = measure_cooccurrence(
        maps, visible, labels.mass, alike.codes["consistent"].to_numpy(bool), halves, mined
    )
    summary = {"consistency": alike.summary, **labels.summary, **groups.summary}
    if alike.random is not None:
        summary["random"] = alike.random
    return Findings(halves, alike.codes, labels, groups, summary)
