"""Consistency of all codes: the tables by code, and their summary (docs/protocol.md, step 7)."""

import math

import numpy as np
import pandas as pd
from jaxtyping import Float

from irislib.interpret.consistency.codes import score_codes
from irislib.interpret.consistency.same_place import score_places
from irislib.interpret.evidence import Crops
from irislib.interpret.metrics_config import MetricsConfig


def measure_consistency(
    crops: Crops, activation: Float[np.ndarray, " crops"], codes: int, config: MetricsConfig, seed: int
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Tests the crops of each code against random crops and against other crops of the same boxes.

    Args:
        crops: of all codes.
        activation: largest value of the map behind each crop (`crop_activation`).
        codes: K, the size of the codebook.
        config: the `metrics` section.
        seed: the pipeline's.

    Returns:
        K rows by code, with the columns of `score_codes` and `score_places`; and their summary, whose means
        and medians are over the codes that are tested against random crops.
    """
    scores, places = (
        score_codes(crops, activation, codes, config, seed),
        score_places(crops, codes, config, seed),
    )
    tested = scores[scores["p_value"].notna()]
    consistent = int(tested["consistent"].sum())
    summary = {
        "codes_tested": len(tested),
        "codes_consistent": consistent,
        "share_consistent": consistent / len(tested) if len(tested) else math.nan,
        "share_of_codebook": consistent / len(scores),
        "codes_too_few_crops": int((scores["untested"] == "too few crops").sum()),
        "codes_too_few_episodes": int((scores["untested"] == "too few episodes").sum()),
        "mean_cosine_codes": tested["consistency"].mean(),
        "mean_cosine_random": tested["consistency_random"].mean(),
        "median_difference": tested["difference"].median(),
        "median_effect_size": tested["effect_size"].median(),
        "mean_monosemanticity_codes": tested["monosemanticity"].mean(),
        "mean_monosemanticity_random": tested["monosemanticity_random"].mean(),
        "codes_tested_in_place": int(places["place_p_value"].notna().sum()),
        "codes_beyond_place": int(places["beyond_place"].sum()),
        "codes_consistent_beyond_place": int((places["beyond_place"] & scores["consistent"]).sum()),
        "mean_cosine_same_place": places["consistency_place"][tested.index].mean(),
        "alpha": config.alpha,
    }
    return pd.concat([scores, places], axis=1), summary
