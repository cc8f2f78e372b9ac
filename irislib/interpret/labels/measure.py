"""What the codes show, by the simulator's labels: tables by code and by label, and their summary (step 9)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from irislib.interpret.crops.attribution_kinds import Attribution
from irislib.interpret.labels.agreement import semantic_metrics
from irislib.interpret.labels.items import find_items
from irislib.interpret.labels.label_mass import LabelMass, label_occurrences
from irislib.interpret.labels.names import Names, find_names
from irislib.interpret.labels.truth import Truth
from irislib.interpret.observations.visible import Visible


@dataclass(frozen=True)
class MeasuredLabels:
    """What `measure_labels` finds.

    Attributes:
        mass: what lies under the maps.
        names: which codes can be named.
        codes: one row for each code: the columns of `Names.columns` and `find_items`.
        summary: sections `agreement` (of code and label, on the world and the display), `world` (without the
            display's label, because telling the display from the world makes up most of the agreement),
            `names` (`Confirmed.summary`, with `null` and `by_label`), `items` (the same with `null`).
    """

    mass: LabelMass
    names: Names
    codes: pd.DataFrame
    summary: dict[str, dict[str, Any]]


def measure_labels(
    truth: Truth,
    visible: Visible,
    attribution: Attribution,
    halves: Bool[np.ndarray, "divisions episodes"],
    alpha: float,
    seed: int,
) -> MeasuredLabels:
    """Compares the maps of the codes with the simulator's labels, while the world is visible.

    Args:
        truth: labels of the play.
        visible: which observations show the world, and what stands in for them.
        attribution: the maps.
        halves: divisions of the episodes.
        alpha: false discovery rate.
        seed: the pipeline's.
    """
    mass = label_occurrences(truth, attribution, visible)
    names = find_names(mass, halves, alpha)
    items, told, null = find_items(truth, visible, attribution.maps.presence, halves, alpha)
    return MeasuredLabels(
        mass,
        names,
        pd.concat([names.columns(mass), items], axis=1),
        {
            "agreement": semantic_metrics(mass.counts, mass.elsewhen, seed),
            "world": semantic_metrics(mass.counts[:, :, :-1], mass.elsewhen[:, :, :-1], seed),
            "names": names.found.summary() | {"null": names.null, "by_label": names.by_label(mass)},
            "items": told.summary() | {"null": null},
        },
    )
