"""Does a code always show the same thing? Its crops against counterparts (docs/protocol.md, step 7)."""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from irislib.interpret.confirmation.halves import Confirmed
from irislib.interpret.consistency.comparison import (
    Comparison,
    Row,
    compare_by_code,
    confirm_by_code,
    mean_cross_cosine,
    mean_pairwise_cosine,
)
from irislib.interpret.evidence import Crops
from irislib.interpret.metrics_config import MetricsConfig
from irislib.seeding import stream

COLUMNS = [
    *("crops", "distinct_crops", "episodes", "consistency", "consistency_elsewhen"),
    *("monosemanticity", "monosemanticity_elsewhen"),
    *("difference", "difference_low", "difference_high"),
]
RANDOM_COLUMNS = ["consistency_random", "random_difference"]


def score_codes(
    crops: Crops,
    activation: Float[np.ndarray, " crops"],
    codes: int,
    halves: Bool[np.ndarray, "divisions episodes"],
    config: MetricsConfig,
    seed: int,
    intervals: bool = True,
) -> tuple[pd.DataFrame, Confirmed]:
    """Measures whether a code's crops are more like each other than like what their boxes show elsewhen.

    The counterpart of a crop is the same box in an observation of another episode with the same stratum and
    the nearest step, so place, time, daylight and sleep are the same; what remains is the code. Neighbouring
    frames look alike, so only pairs of crops from different episodes count, and an episode is one draw.

    Args:
        crops: of all codes.
        activation: largest value of the map behind each crop (`crop_activation`).
        codes: K, the size of the codebook.
        halves: divisions of the episodes.
        config: the `metrics` section. A code with fewer than `min_crops` crops is not tested.
        seed: of the bootstrap.
        intervals: whether to bootstrap; without, the interval's columns are NaN.

    Returns:
        K rows by code, and what was found. Columns:
            crops, distinct_crops, episodes: numbers of crops that have a counterpart, of those with different
                pixels, and of their episodes.
            consistency, consistency_elsewhen: mean cosine over all pairs of the code's crops, and over all
                pairs of a crop and the counterpart of another crop; NaN below two crops.
            monosemanticity, monosemanticity_elsewhen: mean cosine over all pairs of the code's crops, and of
                the counterparts among themselves, pairs weighted by activation (arXiv 2504.02821).
            difference, difference_low, difference_high: the difference of `consistency` and
                `consistency_elsewhen` over pairs of frames of different episodes, with its 95% bootstrap
                interval over episodes.
            confirmed: share of the divisions of the episodes in which the code is selected on one half and
                confirmed on the other; NaN where untested.
            consistent: confirmed in more than half of the divisions.
    """

    def measure(code: int, mine: np.ndarray) -> tuple[Row, Comparison | None]:
        own, other, weights = (
            crops.units(crops.own[mine]),
            crops.units(crops.elsewhen[mine]),
            activation[mine],
        )
        row: Row = {
            "crops": len(mine),
            "distinct_crops": len(np.unique(crops.own[mine])),
            "episodes": len(np.unique(crops.episode[mine])),
            "consistency": mean_pairwise_cosine(own),
            "consistency_elsewhen": mean_cross_cosine(own, other),
            "monosemanticity": mean_pairwise_cosine(own, weights),
            "monosemanticity_elsewhen": mean_pairwise_cosine(other, weights),
        }
        compared = _against_elsewhen(crops, mine, config)
        if compared is None:
            return row, None
        row["difference"] = compared.difference
        if intervals:
            low, high = compared.interval(stream(seed, "consistency", "bootstrap", code))
            row |= {"difference_low": low, "difference_high": high}
        return row, compared

    rows = np.flatnonzero(crops.elsewhen >= 0)
    table, compared = compare_by_code(crops, rows, codes, measure, COLUMNS, "consistency")
    tested, found = confirm_by_code(compared, codes, halves, config.alpha)
    return table.assign(confirmed=tested["share"], consistent=tested["holds"]), found


def find_consistent(
    crops: Crops, codes: int, halves: Bool[np.ndarray, "divisions episodes"], config: MetricsConfig
) -> Confirmed:
    """What `score_codes` finds, without its table."""
    rows = np.flatnonzero(crops.elsewhen >= 0)
    _, compared = compare_by_code(
        crops, rows, codes, lambda _, mine: ({}, _against_elsewhen(crops, mine, config)), [], "consistency"
    )
    return confirm_by_code(compared, codes, halves, config.alpha)[1]


def _against_elsewhen(crops: Crops, mine: np.ndarray, config: MetricsConfig) -> Comparison | None:
    """The crops of one code, given by their rows, and their counterparts elsewhen; None below `min_crops`."""
    if len(mine) < config.min_crops:
        return None
    own, other = crops.units(crops.own[mine]), crops.units(crops.elsewhen[mine])
    origins = crops.own_from[mine], crops.elsewhen_from[mine]
    return Comparison.with_counterparts(own, other, crops.episode[mine], *origins)


def score_random(
    crops: Crops, codes: int, halves: Bool[np.ndarray, "divisions episodes"], config: MetricsConfig
) -> tuple[pd.DataFrame, Confirmed]:
    """The same against random boxes of the same frames, the paper's comparison.

    Random boxes lie anywhere on the grid of tokens, so a code that always stands at one place, on a display
    for example, beats them whatever it shows.

    Returns:
        K rows by code, and what was found. Columns consistency_random, random_difference, random_confirmed,
        beats_random; as in `score_codes`.
    """

    def measure(code: int, mine: np.ndarray) -> tuple[Row, Comparison | None]:
        other = crops.units(crops.random[mine])
        row: Row = {"consistency_random": mean_pairwise_cosine(other)}
        if len(mine) < config.min_crops:
            return row, None
        compared = Comparison.of_two(crops.units(crops.own[mine]), other, crops.episode[mine])
        return row | {"random_difference": compared.difference}, compared

    rows = np.flatnonzero(crops.random >= 0)
    table, compared = compare_by_code(crops, rows, codes, measure, RANDOM_COLUMNS, "random boxes")
    tested, found = confirm_by_code(compared, codes, halves, config.alpha)
    return table.assign(random_confirmed=tested["share"], beats_random=tested["holds"]), found
