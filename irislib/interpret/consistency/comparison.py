"""A code's crops against counterparts, over pairs of crops from different episodes (step 7)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float64, Int

from irislib.interpret.confirmation.halves import Confirmed, confirm
from irislib.interpret.confirmation.studentised import jackknife_p_values
from irislib.interpret.evidence import Crops
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

    def p_values(self, groups: Bool[np.ndarray, "groups all_episodes"]) -> Float64[np.ndarray, " groups"]:
        """One-sided p-values that the difference is above 0, in groups of all episodes, by the jackknife.

        The difference is a mean over pairs of episodes, so the sums of the pairs with one episode are not
        independent; the jackknife takes that into account. NaN where a group has too few episodes with crops.
        """
        chosen = groups[:, self.episode]
        mine = chosen.astype(np.float64)
        forward, backward = mine @ self.cross.T, mine @ self.cross
        total = np.einsum("ge,ge->g", mine, forward)
        size, squares = mine @ self.size, mine @ self.size**2
        pairs = size**2 - squares
        left = (size[:, None] - self.size) ** 2 - (squares[:, None] - self.size**2)
        with np.errstate(invalid="ignore", divide="ignore"):
            value = total / pairs
            without = (total[:, None] - forward - backward) / left
        return jackknife_p_values(value, without, chosen)

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


def confirm_by_code(
    compared: dict[int, Comparison], codes: int, halves: Bool[np.ndarray, "divisions episodes"], alpha: float
) -> tuple[pd.DataFrame, Confirmed]:
    """Which codes differ from their counterparts again on the other half of the episodes.

    Args:
        compared: by code; codes that are not there are not tested.
        codes: K.
        halves: see `divide`.
        alpha: false discovery rate.

    Returns:
        K rows by code: share (of the divisions that confirm it; NaN where untested) and holds; and what was
        found.
    """

    def p_values(groups: np.ndarray) -> np.ndarray:
        columns = [one.p_values(groups) for one in progress(compared.values(), desc="halves", unit="code")]
        return np.stack(columns, axis=1) if columns else np.zeros((len(groups), 0))

    found = confirm(p_values, halves, alpha)
    table = pd.DataFrame({"share": np.nan, "holds": False}, index=pd.RangeIndex(codes, name="code"))
    rows = np.array(list(compared), np.int64)[found.tested]
    table.loc[rows, "share"], table.loc[rows, "holds"] = found.share[found.tested], found.holds[found.tested]
    return table, found


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
