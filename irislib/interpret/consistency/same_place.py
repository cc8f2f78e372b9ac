"""Is a code consistent only because of its position? Its crops against others of the same boxes (step 7).

Random crops come from anywhere in the frame. A code that always stands in one position, such as on a
display, beats them whatever it shows there. The crops of other codes show the same boxes at other times:
they serve as a position control and need no additional crops.
"""

import numpy as np
import pandas as pd
from jaxtyping import Int

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

ROUNDS = 64  # of drawing again for crops that have no counterpart yet
COLUMNS = ["place_crops", "consistency_place", "place_difference"]


def match_places(
    box: Int[np.ndarray, "n 4"],
    code: Int[np.ndarray, " n"],
    episode: Int[np.ndarray, " n"],
    rng: np.random.Generator,
) -> Int[np.ndarray, " n"]:
    """For each crop a random one of another code with the same box in another episode.

    Args:
        box: (y0, x0, y1, x1) of each crop.
        code: of each crop.
        episode: of each crop.
        rng: source of the draws.

    Returns:
        int64, the row of the counterpart; -1 where none was found in `ROUNDS` draws.
    """
    _, place, size = np.unique(box, axis=0, return_inverse=True, return_counts=True)
    members, first = np.argsort(place, kind="stable"), np.cumsum(size) - size
    match, open_ = np.full(len(box), -1), np.arange(len(box))
    for _ in range(ROUNDS):
        drawn = members[first[place[open_]] + rng.integers(0, size[place[open_]])]
        fits = (code[drawn] != code[open_]) & (episode[drawn] != episode[open_])
        match[open_[fits]] = drawn[fits]
        open_ = open_[~fits]
    return match


def score_places(crops: Crops, codes: int, config: MetricsConfig, seed: int) -> pd.DataFrame:
    """Tests each code's crops against those of other codes in the same boxes, as `score_codes` does.

    Args:
        crops: of all codes.
        codes: K, the size of the codebook.
        config: the `metrics` section. A code with fewer than `min_crops` crops that have a counterpart is not
            tested.
        seed: of the draws and permutations.

    Returns:
        K rows by code. Columns: place_crops (crops that have a counterpart), consistency_place (mean cosine
        over all pairs of the counterparts), place_difference (over pairs from different episodes, code minus
        counterparts), place_p_value, place_q_value, beyond_place (q <= alpha and a positive difference).
    """
    match = match_places(crops.box, crops.code, crops.episode, stream(seed, "same place"))

    def measure(code: int, mine: np.ndarray) -> tuple[Row, Comparison | None]:
        other = crops.units(crops.own[match[mine]])
        row: Row = {"place_crops": len(mine), "consistency_place": mean_pairwise_cosine(other)}
        episodes = len(np.unique(crops.episode[mine]))
        if len(mine) < config.min_crops or episodes < fewest_episodes(config.alpha):
            return row, None
        compared = Comparison.of(crops.units(crops.own[mine]), other, crops.episode[mine])
        return row | {"place_difference": compared.difference}, compared

    table, compared = compare_by_code(
        crops, np.flatnonzero(match >= 0), codes, measure, COLUMNS, "same place"
    )
    rng = stream(seed, "same place", "swaps")
    table["place_p_value"] = swap_test(compared, config.permutations, rng, "swaps in place").reindex(
        table.index
    )
    table["place_q_value"] = correct(table["place_p_value"].to_numpy(np.float64))
    table["beyond_place"] = (table["place_q_value"] <= config.alpha) & (table["place_difference"] > 0)
    return table
