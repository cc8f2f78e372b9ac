"""Consistency of codes: the columns by code, and their summary (docs/protocol.md, step 7)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from irislib.interpret.consistency.codes import find_consistent, score_codes, score_random
from irislib.interpret.consistency.exchanged_crops import exchange_crops
from irislib.interpret.evidence import Crops
from irislib.interpret.metrics_config import MetricsConfig


@dataclass(frozen=True)
class MeasuredConsistency:
    """What `measure_consistency` finds.

    Attributes:
        codes: K rows by code, with the columns of `score_codes`, and of `score_random` if asked for.
        summary: of the codes, against the same boxes elsewhen (`Confirmed.summary`), with `null`, the number
            that is confirmed after crops and counterparts of random episodes were swapped; mean cosines over
            the tested codes.
        random: the same against random boxes; None if not asked for.
    """

    codes: pd.DataFrame
    summary: dict[str, float]
    random: dict[str, float] | None


def measure_consistency(
    crops: Crops,
    activation: Float[np.ndarray, " crops"],
    codes: int,
    halves: Bool[np.ndarray, "divisions episodes"],
    config: MetricsConfig,
    seed: int,
    whole: bool,
) -> MeasuredConsistency:
    """Tests the crops of each code against the same boxes elsewhen, and against random boxes.

    Args:
        crops: of all codes.
        activation: largest value of the map behind each crop (`crop_activation`).
        codes: K, the size of the codebook.
        halves: divisions of the episodes.
        config: the `metrics` section.
        seed: the pipeline's.
        whole: whether to compare with random boxes as well, and to bootstrap intervals.
    """
    scores, found = score_codes(crops, activation, codes, halves, config, seed, whole)
    null = find_consistent(exchange_crops(crops, seed), codes, halves, config)
    tested = scores[scores["confirmed"].notna()]
    summary = found.summary() | {
        "null": float(null.confirmed.mean()),
        "mean_cosine": tested["consistency"].mean(),
        "mean_cosine_elsewhen": tested["consistency_elsewhen"].mean(),
        "median_difference": tested["difference"].median(),
        "mean_monosemanticity": tested["monosemanticity"].mean(),
        "mean_monosemanticity_elsewhen": tested["monosemanticity_elsewhen"].mean(),
    }
    if not whole:
        return MeasuredConsistency(scores, summary, None)
    against, beats = score_random(crops, codes, halves, config)
    cosine = against["consistency_random"][tested.index].mean()
    return MeasuredConsistency(
        pd.concat([scores, against], axis=1), summary, beats.summary() | {"mean_cosine": cosine}
    )
