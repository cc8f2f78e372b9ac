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


def mean_cross_cosine(own: Float[np.ndarray, "n features"], other: Float[np.ndarray, "n features"]) -> float:
    """Mean cosine over all pairs of a unit vector and the counterpart of another one; NaN below two."""
    n = len(own)
    if n < 2:
        return float("nan")
    total = own.sum(axis=0) @ other.sum(axis=0) - np.einsum("nf,nf->", own, other)
    return float(total / (n * (n - 1)))


@dataclass(frozen=True)
class Comparison:
    """How alike a code's crops are, and how alike others are, over pairs of different episodes.

    The difference is the mean cosine over pairs of the code's crops, minus the mean cosine over pairs of
    others. All sums are over pairs of episodes e != f; no pair comes from one episode.

    Attributes:
        episode: the E episodes with a crop.
        own: sums of cosines of the code's crops.
        own_pairs: number of these pairs.
        other: sums of the other cosines.
        other_pairs: number of these pairs.
    """

    episode: Int[np.ndarray, " episodes"]
    own: Float64[np.ndarray, "episodes episodes"]
    own_pairs: Float64[np.ndarray, "episodes episodes"]
    other: Float64[np.ndarray, "episodes episodes"]
    other_pairs: Float64[np.ndarray, "episodes episodes"]

    @classmethod
    def with_counterparts(
        cls,
        own: Float[np.ndarray, "n features"],
        other: Float[np.ndarray, "n features"],
        episode: Int[np.ndarray, " n"],
        own_from: Int[np.ndarray, " n"],
        other_from: Int[np.ndarray, " n"],
    ) -> "Comparison":
        """Are crops more like each other than like counterparts?

        The others are pairs of a crop and a counterpart of another crop. Were counterparts compared among
        themselves, no code could be consistent whose places show something uniform at other times.

        Args:
            own: unit vectors of the crops.
            other: unit vectors of their counterparts.
            episode: that each crop and its counterpart count for.
            own_from, other_from: the episodes of their frames. Two frames of one episode are no pair.
        """
        return cls._of(
            episode,
            (own @ own.T, own_from[:, None] != own_from),
            (own @ other.T, own_from[:, None] != other_from),
        )

    @classmethod
    def of_two(
        cls,
        own: Float[np.ndarray, "n features"],
        other: Float[np.ndarray, "n features"],
        episode: Int[np.ndarray, " n"],
    ) -> "Comparison":
        """Are crops more like each other than other crops are like each other? The paper's comparison.

        Args:
            own: unit vectors of the crops.
            other: unit vectors of the others, one in the frame of each crop.
            episode: of each frame.
        """
        everything = np.ones((len(episode), len(episode)), bool)
        return cls._of(episode, (own @ own.T, everything), (other @ other.T, everything))

    @classmethod
    def _of(
        cls,
        episode: Int[np.ndarray, " n"],
        own: tuple[Float[np.ndarray, "n n"], Bool[np.ndarray, "n n"]],
        other: tuple[Float[np.ndarray, "n n"], Bool[np.ndarray, "n n"]],
    ) -> "Comparison":
        episode, member = np.unique(episode, return_inverse=True)
        of_episode = (np.arange(len(episode))[:, None] == member).astype(np.float64)

        def by_episode(values: np.ndarray) -> np.ndarray:
            sums: np.ndarray = of_episode @ values @ of_episode.T
            np.fill_diagonal(sums, 0)
            return sums

        sums = [by_episode(part) for cosine, fits in (own, other) for part in (cosine * fits, fits)]
        return cls(episode, *sums)

    @property
    def difference(self) -> float:
        """The difference; NaN without pairs."""
        return float(_difference(*(np.array([part.sum()]) for part in self._parts))[0])

    @property
    def _parts(self) -> tuple[np.ndarray, ...]:
        return self.own, self.own_pairs, self.other, self.other_pairs

    def p_values(self, groups: Bool[np.ndarray, "groups all_episodes"]) -> Float64[np.ndarray, " groups"]:
        """One-sided p-values that the difference is above 0, in groups of all episodes, by the jackknife.

        The difference is a mean over pairs of episodes, so the sums of the pairs with one episode are not
        independent; the jackknife takes that into account. NaN where a group has too few episodes with crops.
        """
        chosen = groups[:, self.episode]
        mine = chosen.astype(np.float64)
        whole, without = [], []
        for part in self._parts:
            forward = mine @ part.T
            total = np.einsum("ge,ge->g", mine, forward)
            whole.append(total)
            without.append(total[:, None] - forward - mine @ part)
        return jackknife_p_values(_difference(*whole), _difference(*without), chosen)

    def interval(self, rng: np.random.Generator) -> tuple[float, float]:
        """Percentile bootstrap interval of the difference; episodes are drawn with replacement.

        Two draws of one episode form no pair: their crops are identical and would look consistent. NaN
        without pairs.
        """
        episodes = len(self.episode)
        drawn = rng.multinomial(episodes, np.full(episodes, 1 / episodes), size=BOOTSTRAP)
        sums = [((drawn @ part) * drawn).sum(axis=1) for part in self._parts]
        # A bootstrap sample of one episode alone has no pairs.
        differences = _difference(*sums)
        differences = differences[np.isfinite(differences)]
        if not len(differences):
            return float("nan"), float("nan")
        low, high = np.quantile(differences, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
        return float(low), float(high)


def _difference(
    own: np.ndarray, own_pairs: np.ndarray, other: np.ndarray, other_pairs: np.ndarray
) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        difference: np.ndarray = own / own_pairs - other / other_pairs
    return difference


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
