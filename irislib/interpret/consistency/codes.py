"""Does a code always show the same thing? Its crops against random ones (protocol step 7)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from irislib.interpret.evidence import Crops
from irislib.interpret.significance import correct, fewest_episodes, flip_scores, flip_test
from irislib.runtime import progress
from irislib.seeding import stream

Array = np.ndarray

BOOTSTRAP = 999  # draws
INTERVAL = 0.95
COLUMNS = (
    *("crops", "distinct_crops", "episodes", "consistency", "consistency_random"),
    *("monosemanticity", "monosemanticity_random", "difference", "difference_low", "difference_high"),
    *("effect_size", "p_value", "q_value", "consistent", "untested"),
)


def mean_pairwise_cosine(units: Array, weights: Array | None = None) -> float:
    """Mean cosine over all pairs of n unit vectors, (|sum u|^2 - n) / (n(n-1)) (protocol step 7).

    With weights w, a pair (i, j) weighs w_i w_j: (|sum w u|^2 - sum w^2) / ((sum w)^2 - sum w^2).

    Args:
        units: float64 [n,F].
        weights: float64 [n], not negative; all alike by default.

    Returns:
        NaN for fewer than two vectors (of positive weight).
    """
    w = np.ones(len(units)) if weights is None else weights
    total, squares = w @ units, w @ w
    pairs = w.sum() ** 2 - squares
    return float((total @ total - squares) / pairs) if np.count_nonzero(w) > 1 else float("nan")


@dataclass(frozen=True)
class Comparison:
    """A code's crops against their counterparts, over pairs of crops from different episodes.

    With A_e and B_e the sums of an episode's unit vectors and of its counterparts', the mean cosine over
    such pairs is (|sum A|^2 - sum |A_e|^2) / w, with w = n^2 - sum n_e^2 of them, and the difference to
    the counterparts is the sum over all e != f of

        H[e, f] = (A_e - B_e) . (A_f + B_f),   divided by w.

    Swapping crops and counterparts of episode e turns the sign of row e and leaves the rest as it is.

    Attributes:
        episode: int [E], which they are.
        cross: float64 [E,E], H with a diagonal of zeros.
        size: float64 [E], crops by episode.
    """

    episode: Array
    cross: Array
    size: Array

    @classmethod
    def of(cls, own: Array, other: Array, episode: Array) -> "Comparison":
        """From unit vectors float64 [n,F], those of their counterparts row by row, and episodes int [n]."""
        episode, member, size = np.unique(episode, return_inverse=True, return_counts=True)
        a, b = np.zeros((2, len(size), own.shape[1]))
        np.add.at(a, member, own)
        np.add.at(b, member, other)
        cross = (a - b) @ (a + b).T
        np.fill_diagonal(cross, 0)
        return cls(episode, cross, size.astype(np.float64))

    @property
    def difference(self) -> float:
        """Mean cosine of the crops minus that of their counterparts; NaN with one episode."""
        pairs = self.size.sum() ** 2 - self.size @ self.size
        return float(self.cross.sum() / pairs) if pairs else float("nan")

    @property
    def contributions(self) -> Array:
        """What each episode adds to the sum of H, float64 [E]; a swap turns its sign."""
        added: Array = self.cross.sum(axis=1)
        return added

    @property
    def effect_size(self) -> float:
        """The difference over sqrt(E) times its standard deviation under random swaps: in [-1, 1]."""
        return float(flip_scores(self.contributions[None])[0] / np.sqrt(len(self.size)))

    def interval(self, rng: np.random.Generator) -> tuple[float, float]:
        """Percentile bootstrap of the difference, episodes drawn with replacement.

        Two draws of one episode make no pair: their crops are the same and would look consistent.
        """
        episodes = len(self.size)
        drawn = rng.multinomial(episodes, np.full(episodes, 1 / episodes), size=BOOTSTRAP)
        total = ((drawn @ self.cross) * drawn).sum(axis=1)
        pairs = (drawn @ self.size) ** 2 - (drawn**2 @ self.size**2)
        # A draw of one episode alone has no pairs.
        differences = total[pairs > 0] / pairs[pairs > 0]
        low, high = np.quantile(differences, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
        return float(low), float(high)


def swap_test(
    compared: dict[int, Comparison], permutations: int, rng: np.random.Generator, desc: str
) -> Array:
    """One-sided p-values, by swapping crops and counterparts of whole episodes; see `flip_test`.

    Args:
        compared: by code.
        permutations: of the episodes.
        rng: source of them.
        desc: for the progress bar.

    Returns:
        float64, in the order of `compared`.
    """
    episodes = 1 + max((int(one.episode.max()) for one in compared.values()), default=-1)
    contributions = np.zeros((episodes, len(compared)))
    for column, one in enumerate(compared.values()):
        contributions[one.episode, column] = one.contributions
    return flip_test(contributions, permutations, rng, desc)


def score_codes(
    crops: Crops, activation: Array, codes: int, seed: int, alpha: float, permutations: int, min_crops: int
) -> pd.DataFrame:
    """One row a code: its crops, their consistency and its significance (protocol step 7).

    Neighbouring frames look alike, so crops of one episode are not independent: a code is compared with
    random crops over pairs of crops from different episodes, and labels are swapped and episodes drawn as
    wholes (see `Comparison`). A code is tested when it has at least `min_crops` crops from so many episodes
    that p can fall below alpha: one sprite cut out again and again in one stretch of play shows nothing
    about the code. p-values are corrected over the tested codes after Benjamini and Hochberg.

    Args:
        crops: of all codes.
        activation: float [N], how strongly each crop's code lit up (`crop_activation`).
        codes: K, the size of the codebook.
        seed: of the permutations and the bootstrap.
        alpha: the false discovery rate at which a code counts as consistent.
        permutations: of the signs of episodes.
        min_crops: fewer leave a code untested.

    Returns:
        K rows by code, with columns crops, distinct_crops, episodes (that the crops come from),
        consistency and consistency_random (mean cosine over all pairs of the code's crops, and of their
        random counterparts; NaN below two crops), monosemanticity and monosemanticity_random (the same
        with pairs weighted by activation, arXiv 2504.02821), difference (of mean cosines over pairs from
        different episodes, code minus random), and difference_low and difference_high (its 95% interval),
        effect_size, p_value, q_value (NaN where untested), consistent (q <= alpha and an interval above
        zero: the test takes as given what a crop and its counterpart have in common, the interval does not),
        untested (why, empty where tested).
    """
    order = np.argsort(crops.code, kind="stable")
    starts = np.searchsorted(crops.code[order], np.arange(codes + 1))
    rows, compared = [], {}
    for code in progress(range(codes), desc="consistency", unit="code"):
        mine = order[starts[code] : starts[code + 1]]
        own, random, weights = crops.units(crops.own[mine]), crops.units(crops.random[mine]), activation[mine]
        row: dict[str, float | str] = {
            "crops": len(mine),
            "distinct_crops": len(np.unique(crops.own[mine])),
            "episodes": len(np.unique(crops.episode[mine])),
            "consistency": mean_pairwise_cosine(own),
            "consistency_random": mean_pairwise_cosine(random),
            "monosemanticity": mean_pairwise_cosine(own, weights),
            "monosemanticity_random": mean_pairwise_cosine(random, weights),
            "untested": _lacking(len(mine), len(np.unique(crops.episode[mine])), min_crops, alpha),
        }
        if not row["untested"]:
            compared[code] = found = Comparison.of(own, random, crops.episode[mine])
            low, high = found.interval(stream(seed, "consistency", "bootstrap", code))
            row |= {"difference": found.difference, "difference_low": low, "difference_high": high}
            row["effect_size"] = found.effect_size
        rows.append(row)
    table = pd.DataFrame(rows, index=pd.RangeIndex(codes, name="code"), columns=list(COLUMNS))
    p_values = swap_test(compared, permutations, stream(seed, "consistency"), "swaps")
    table.loc[list(compared), "p_value"] = p_values
    table["q_value"] = correct(table["p_value"].to_numpy(np.float64))
    table["consistent"] = (table["q_value"] <= alpha) & (table["difference_low"] > 0)
    return table


def _lacking(crops: int, episodes: int, min_crops: int, alpha: float) -> str:
    """What keeps a code from being tested; empty where nothing does."""
    if crops < max(min_crops, 2):
        return "too few crops"
    return "too few episodes" if episodes < fewest_episodes(alpha) else ""
