"""Numbers of metrics.json that sum up the tables."""

import math

import numpy as np
import pandas as pd

from irislib.interpret.cooccurrence.pairs import Cooccurrence
from irislib.interpret.cooccurrence.sets import Sets
from irislib.interpret.evidence import Crops
from irislib.interpret.labels.naming import WORLD
from irislib.interpret.labels.truth import DISPLAY


def crop_metrics(crops: Crops) -> dict[str, int]:
    """Counts; random crops are left out."""
    return {
        "regions": crops.regions,
        "crops": len(crops.own),
        "distinct_crops": len(np.unique(crops.own)),
        "codes_with_crops": len(np.unique(crops.code)),
    }


def consistency_metrics(scores: pd.DataFrame, places: pd.DataFrame, alpha: float) -> dict[str, float]:
    """Sums up `score_codes` and `score_places`; means and medians are over the codes that the first tests."""
    tested = scores[scores["p_value"].notna()]
    consistent = int(tested["consistent"].sum())
    return {
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
        "alpha": alpha,
    }


def cooccurrence_metrics(together: Cooccurrence, min_crops: int) -> dict[str, float]:
    """Sums up `score_pairs`; single_episode_share is over the listed (tested) pairs.

    Judged are those cropped together in at least `min_crops` observations: only they can be interpretable.
    A median share is that of the observations which one such pair covers, for the pair in the middle.
    """
    pairs = together.pairs
    interpretable, meaningful = pairs[pairs["interpretable"]], pairs[pairs["meaningful"]]
    return {
        "pairs_seen": together.seen,
        "pairs_tested": len(pairs),
        "pairs_judged": int((pairs["cropped"] >= min_crops).sum()),
        "pairs_interpretable": len(interpretable),
        "observations_covered": together.covered,
        "interpretable_median_share": interpretable["share"].median(),
        "single_episode_share": (pairs["episodes"] == 1).mean(),
        "pairs_meaningful": len(meaningful),
        "observations_covered_meaningful": together.covered_meaningful,
        "meaningful_median_share": meaningful["share"].median(),
        "meaningful_median_episodes": meaningful["episodes"].median(),
    }


def set_metrics(sets: Sets) -> dict[str, float]:
    """Sums up `score_sets`."""
    meaningful = sets.table[sets.table["meaningful"]]
    return {
        "sets_tested": len(sets.table),
        "sets_meaningful": len(meaningful),
        "observations_covered_by_sets": sets.covered,
        "sets_median_episodes": meaningful["episodes"].median(),
        "sets_single_episode_share": (sets.table["episodes"] == 1).mean(),
    }


def naming_metrics(codes: pd.DataFrame, alpha: float) -> dict[str, float]:
    """Sums up what the codes show; means are over the codes with a non-empty map.

    Named are codes that show more of their commonest label than their places explain. Codes that tell a
    quantity are those
    on the display whose presence goes with the number of a quantity under their maps.
    """
    seen = codes[codes["label"].notna()]
    return {
        "mean_iou": seen["iou"].mean(),
        "mean_iou_place": seen["iou_elsewhen"].mean(),
        "codes_world": int((seen["kind"] == WORLD).sum()),
        "codes_display": int((seen["kind"] == DISPLAY).sum()),
        "codes_telling_quantity": int((seen["quantity_q_value"] <= alpha).sum()),
        "codes_named": int(seen["named"].sum()),
        "codes_consistent_named": int((seen["named"] & seen["consistent"]).sum()),
    }
