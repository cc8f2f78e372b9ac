"""Does a code always show the same thing? Its crops against random crops (docs/protocol.md, step 7)."""

import numpy as np
import pandas as pd
from jaxtyping import Float

from irislib.interpret.consistency.comparison import (
    Comparison,
    Row,
    compare_by_code,
    mean_pairwise_cosine,
    swap_test,
)
from irislib.interpret.evidence import Crops
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.significance import correct, fewest_episodes
from irislib.seeding import stream

COLUMNS = [
    *("crops", "distinct_crops", "episodes", "consistency", "consistency_random"),
    *("monosemanticity", "monosemanticity_random", "difference", "difference_low", "difference_high"),
    *("effect_size", "p_value", "q_value", "consistent", "untested"),
]


def score_codes(
    crops: Crops, activation: Float[np.ndarray, " crops"], codes: int, config: MetricsConfig, seed: int
) -> pd.DataFrame:
    """Measures and tests the consistency of each code.

    Neighbouring frames look alike, so crops of one episode are not independent. A code is therefore compared
    with its random crops over pairs of crops from different episodes, and whole episodes are swapped and
    drawn (see `Comparison`). A code is tested when it has at least `min_crops` crops, from so many episodes
    that the p-value can reach `alpha`. p-values are corrected over the tested codes (Benjamini-Hochberg).

    Args:
        crops: of all codes.
        activation: largest value of the map behind each crop (`crop_activation`).
        codes: K, the size of the codebook.
        config: the `metrics` section.
        seed: of the permutations and the bootstrap.

    Returns:
        K rows by code. Columns:
            crops, distinct_crops, episodes: numbers of crops, of crops with different pixels, and of episodes
                with a crop.
            consistency, consistency_random: mean cosine over all pairs of the code's crops, and of their
                random counterparts; NaN below two crops.
            monosemanticity, monosemanticity_random: the same, with pairs weighted by activation
                (arXiv 2504.02821).
            difference, difference_low, difference_high: mean cosine over pairs from different episodes, code
                minus random, with its 95% bootstrap interval.
            effect_size, p_value, q_value: see `Comparison.effect_size` and `swap_test`; NaN where untested.
            consistent: q_value <= alpha and difference_low > 0. The test conditions on what a crop and its
                counterpart have in common, the interval does not.
            untested: the reason why the code was not tested, empty where it was.
    """

    def measure(code: int, mine: np.ndarray) -> tuple[Row, Comparison | None]:
        own, random, weights = crops.units(crops.own[mine]), crops.units(crops.random[mine]), activation[mine]
        episodes = len(np.unique(crops.episode[mine]))
        row: Row = {
            "crops": len(mine),
            "distinct_crops": len(np.unique(crops.own[mine])),
            "episodes": episodes,
            "consistency": mean_pairwise_cosine(own),
            "consistency_random": mean_pairwise_cosine(random),
            "monosemanticity": mean_pairwise_cosine(own, weights),
            "monosemanticity_random": mean_pairwise_cosine(random, weights),
            "untested": _why_untested(len(mine), episodes, config),
        }
        if row["untested"]:
            return row, None
        compared = Comparison.of(own, random, crops.episode[mine])
        low, high = compared.interval(stream(seed, "consistency", "bootstrap", code))
        row |= {"difference": compared.difference, "difference_low": low, "difference_high": high}
        return row | {"effect_size": compared.effect_size}, compared

    everything = np.arange(len(crops.code))
    table, compared = compare_by_code(crops, everything, codes, measure, COLUMNS, "consistency")
    p_values = swap_test(compared, config.permutations, stream(seed, "consistency"), "swaps")
    table["p_value"] = p_values.reindex(table.index)
    table["q_value"] = correct(table["p_value"].to_numpy(np.float64))
    table["consistent"] = (table["q_value"] <= config.alpha) & (table["difference_low"] > 0)
    return table


def _why_untested(crops: int, episodes: int, config: MetricsConfig) -> str:
    if crops < config.min_crops:
        return "too few crops"
    return "too few episodes" if episodes < fewest_episodes(config.alpha) else ""
