"""Is a code consistent by its place alone? Its crops against others from the same boxes (protocol step 7).

Random crops come from anywhere in the frame, so a code that always stands in one place, on a display
say, beats them whatever it shows there. The crops of the other codes hold the same boxes at other times:
they are a control that needs no crop of its own.
"""

import numpy as np
import pandas as pd

from irislib.interpret.consistency.codes import Comparison, mean_pairwise_cosine, swap_test
from irislib.interpret.evidence import Crops
from irislib.interpret.significance import correct, fewest_episodes
from irislib.runtime import progress
from irislib.seeding import stream

Array = np.ndarray

ROUNDS = 64  # of drawing anew for crops without a counterpart


def match_places(box: Array, code: Array, episode: Array, rng: np.random.Generator) -> Array:
    """For each crop one of another code with the same box in another episode, at random.

    Args:
        box: int [N,4].
        code: int [N].
        episode: int [N].
        rng: source of the draws.

    Returns:
        int64 [N], a crop; -1 where none was found.
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


def score_places(
    crops: Crops, box: Array, codes: int, seed: int, alpha: float, permutations: int, min_crops: int
) -> pd.DataFrame:
    """One row a code: its crops against those of other codes in the same boxes, as in `score_codes`.

    Args:
        crops: of all codes.
        box: int [N,4], the box of each.
        codes: K, the size of the codebook.
        seed: of the draws and permutations.
        alpha: the false discovery rate.
        permutations: of the signs of episodes.
        min_crops: fewer with a counterpart leave a code untested.

    Returns:
        K rows by code, with columns place_crops (that have a counterpart), consistency_place (mean
        pairwise cosine of the counterparts), place_difference (over pairs from different episodes, code
        minus counterparts), place_p_value, place_q_value, beyond_place (q <= alpha and a positive
        difference).
    """
    match = match_places(box, crops.code, crops.episode, stream(seed, "same place"))
    matched = np.flatnonzero(match >= 0)
    matched = matched[np.argsort(crops.code[matched], kind="stable")]
    starts = np.searchsorted(crops.code[matched], np.arange(codes + 1))
    rows, compared = [], {}
    for code in progress(range(codes), desc="same place", unit="code"):
        mine = matched[starts[code] : starts[code + 1]]
        other = crops.units(crops.own[match[mine]])
        row: dict[str, float] = {"place_crops": len(mine), "consistency_place": mean_pairwise_cosine(other)}
        if len(mine) >= min_crops and len(np.unique(crops.episode[mine])) >= fewest_episodes(alpha):
            compared[code] = Comparison.of(crops.units(crops.own[mine]), other, crops.episode[mine])
            row["place_difference"] = compared[code].difference
        rows.append(row)
    columns = ["place_crops", "consistency_place", "place_difference", "place_p_value"]
    table = pd.DataFrame(rows, index=pd.RangeIndex(codes, name="code"), columns=columns)
    p_values = swap_test(compared, permutations, stream(seed, "same place", "swaps"), "swaps in place")
    table.loc[list(compared), "place_p_value"] = p_values
    table["place_q_value"] = correct(table["place_p_value"].to_numpy(np.float64))
    table["beyond_place"] = (table["place_q_value"] <= alpha) & (table["place_difference"] > 0)
    return table
