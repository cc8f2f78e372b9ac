"""A code's crops against counterparts, over pairs of crops from different episodes (step 7)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Float64, Int

from irislib.interpret.evidence import Crops
from irislib.interpret.significance import flip_scores, flip_test
from irislib.runtime import progress

BOOTSTRAP = 999  # draws
INTERVAL = 0.95


def mean_pairwise_cosine(
    units: Float[np.ndarray, "n features"], weights: Float[np.ndarray, " n"] | None = None
) -> float:
    """Mean cosine over all pairs of n unit vectors: (|sum u|^2 - n) / (n (n - 1)).

    With weights w, a pair (i, j) has the weight w_i w_j: (|sum w u|^2 - sum w^2) / ((sum w)^2 - sum w^2).

    Args:
        units: vectors of length 1.
        weights: not negative; all equal by default.

    Returns:
        NaN with fewer than two vectors of positive weight.
    """
    w = np.ones(len(units)) if weights is None else weights
    total, squares = w @ units, w @ w
    pairs = w.sum() ** 2 - squares
    return float((total @ total - squares) / pairs) if np.count_nonzero(w) > 1 else float("nan")


@dataclass(frozen=True)
class Comparison:
    """A code's crops against their counterparts, over pairs of crops from different episodes.

    Let A_e and B_e be the sums of an episode's unit vectors and of its counterparts' unit vectors. The mean
    cosine over such pairs is (|sum A|^2 - sum |A_e|^2) / w, where w = n^2 - sum n_e^2 is the number of
    ordered pairs. The difference to the counterparts is the sum over all e != f of

        H[e, f] = (A_e - B_e) . (A_f + B_f),   divided by w.

    Swapping crops and counterparts of episode e changes the sign of row e and nothing else.

    Attributes:
        episode: the episodes with a crop.
        cross: H, with a diagonal of zeros.
        size: number of crops in each episode.
    """

    episode: Int[np.ndarray, " episodes"]
    cross: Float64[np.ndarray, "episodes episodes"]
    size: Float64[np.ndarray, " episodes"]

    @classmethod
    def of(
        cls,
        own: Float[np.ndarray, "n features"],
        other: Float[np.ndarray, "n features"],
        episode: Int[np.ndarray, " n"],
    ) -> "Comparison":
        """Compares unit vectors with those of their counterparts, row by row.

        Args:
            own: unit vectors of the crops.
            other: unit vectors of their counterparts.
            episode: of each crop.
        """
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
    def contributions(self) -> Float64[np.ndarray, " episodes"]:
        """What each episode adds to the sum of H; a swap changes its sign."""
        added: np.ndarray = self.cross.sum(axis=1)
        return added

    @property
    def effect_size(self) -> float:
        """The difference over sqrt(E) times its standard deviation under random swaps, in [-1, 1]."""
        return float(flip_scores(self.contributions[None])[0] / np.sqrt(len(self.size)))

    def interval(self, rng: np.random.Generator) -> tuple[float, float]:
        """Percentile bootstrap interval of the difference; episodes are drawn with replacement.

        Two draws of one episode form no pair: their crops are identical and would look consistent.
        """
        episodes = len(self.size)
        drawn = rng.multinomial(episodes, np.full(episodes, 1 / episodes), size=BOOTSTRAP)
        total = ((drawn @ self.cross) * drawn).sum(axis=1)
        pairs = (drawn @ self.size) ** 2 - (drawn**2 @ self.size**2)
        # A bootstrap sample of one episode alone has no pairs.
        differences = total[pairs > 0] / pairs[pairs > 0]
        low, high = np.quantile(differences, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
        return float(low), float(high)


def swap_test(
    compared: dict[int, Comparison], permutations: int, rng: np.random.Generator, desc: str
) -> pd.Series:
    """One-sided p-values of the differences, by swapping crops and counterparts of whole episodes.

    Args:
        compared: by code.
        permutations: see `flip_test`.
        rng: source of the swaps.
        desc: text of the progress bar.

    Returns:
        float64 by code.
    """
    episodes = 1 + max((int(one.episode.max()) for one in compared.values()), default=-1)
    contributions = np.zeros((episodes, len(compared)))
    for column, one in enumerate(compared.values()):
        contributions[one.episode, column] = one.contributions
    p_values = flip_test(contributions, permutations, rng, desc)
    return pd.Series(p_values, index=pd.Index(list(compared), dtype=np.int64), dtype=np.float64)


Row = dict[str, float | str]


def compare_by_code(
    crops: Crops,
    rows: Int[np.ndarray, " n"],
    codes: int,
    measure: Callable[[int, np.ndarray], tuple[Row, Comparison | None]],
    columns: list[str],
    desc: str,
) -> tuple[pd.DataFrame, dict[int, Comparison]]:
    """Measures the crops of each code in turn.

    Args:
        crops: of all codes.
        rows: the crops to use.
        codes: K, the size of the codebook.
        measure: called with a code and its rows; returns columns of its row of the table, and the comparison
            of its crops with counterparts, None where the code is not tested.
        columns: of the table; what `measure` leaves out is NaN.
        desc: text of the progress bar.

    Returns:
        A table of K rows by code, and the comparisons by code.
    """
    rows = rows[np.argsort(crops.code[rows], kind="stable")]
    starts = np.searchsorted(crops.code[rows], np.arange(codes + 1))
    table, compared = [], {}
    for code in progress(range(codes), desc=desc, unit="code"):
        row, comparison = measure(code, rows[starts[code] : starts[code + 1]])
        table.append(row)
        if comparison is not None:
            compared[code] = comparison
    return pd.DataFrame(table, index=pd.RangeIndex(codes, name="code"), columns=columns), compared
