"""What the codes of a run show: a profile over the simulator's labels for each code."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

MOST = 3  # labels that `most_shown` lists
LEAST = 0.005  # share of the maps from which on a label is listed


@dataclass(frozen=True)
class Profiles:
    """Profiles of the codes that have a map while the world is visible.

    Attributes:
        codes: their numbers, ascending.
        labels: names of the columns.
        shown: share of a code's maps that lie on each label; rows sum to 1.
        excess: share of a map's mass on each label, minus the same share at the same places in other
            episodes.
    """

    codes: Int[np.ndarray, " codes"]
    labels: tuple[str, ...]
    shown: Float[np.ndarray, "codes labels"]
    excess: Float[np.ndarray, "codes labels"]

    def most_shown(self, row: int) -> list[tuple[str, float]]:
        """The labels that a code shows most, at most three, each with its share of the code's maps.

        Labels on less than half a percent of the maps are left out.
        """
        order = np.argsort(-self.shown[row], kind="stable")[:MOST]
        return [(self.labels[i], float(self.shown[row, i])) for i in order if self.shown[row, i] >= LEAST]

    def most_unusual(self, row: int) -> tuple[str, float]:
        """The label whose share differs most from that of the same places, and the difference."""
        i = int(np.argmax(np.abs(self.excess[row])))
        return self.labels[i], float(self.excess[row, i])


def profiles(labels: pd.DataFrame, names: Sequence[str]) -> Profiles:
    """The profiles of a run.

    Args:
        labels: the rows of labels.csv. A label without a row counts as not shown, and as expected.
        names: the labels to compare by, for example those of both runs.
    """
    rows = labels.assign(excess=labels["mass_share"] - labels["place_share"])
    shown, excess = (
        rows.pivot(index="code", columns="label", values=column).reindex(columns=list(names)).fillna(0.0)
        for column in ("share", "excess")
    )
    kept = shown.to_numpy(float).sum(axis=1) > 0  # a label may have a row without being any map's label
    return Profiles(
        shown.index.to_numpy(np.int64)[kept],
        tuple(names),
        shown.to_numpy(float)[kept],
        excess.to_numpy(float)[kept],
    )


def label_names(*tables: pd.DataFrame) -> list[str]:
    """The labels of several runs, sorted."""
    return sorted({str(label) for table in tables for label in table["label"]})


def distances(first: Profiles, second: Profiles) -> Float[np.ndarray, "first second"]:
    """Distance of each code of one run to each code of another: 0 for equal profiles.

    The mean of two total variation distances: of the labels that the codes show, and of what they show
    beyond their places.
    """
    shown = cdist(first.shown, second.shown, "cityblock") / 2
    excess = cdist(first.excess, second.excess, "cityblock") / 2
    together: np.ndarray = (shown + excess) / 2
    return together
