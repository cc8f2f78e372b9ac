"""How much of each map lies on each label of the ground truth, and would by its place alone (step 9)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int, Int8, Shaped

from irislib.interpret.confirmation.excess import Sums
from irislib.interpret.crops.attribution_kinds import Attribution
from irislib.interpret.labels.truth import Truth
from irislib.interpret.observations.exchange import ROUNDS
from irislib.interpret.observations.visible import Visible
from irislib.runtime import progress

CHUNK = 16384  # occurrences at once


@dataclass(frozen=True)
class LabelMass:
    """What lies under the maps of K codes in observations that show the world.

    A stretch is one code in one episode. There are S stretches with a map, ordered by code, then episode. The
    mass of a map is given in shares of the map's whole, and summed over the stretch.

    Attributes:
        names: of the L labels, "display" last.
        codes, episodes: K and E.
        occurrence_label: the label with the largest share of an occurrence's map; -1 where the world is
            hidden or the map empty.
        counts: occurrences by episode, code and `occurrence_label`.
        elsewhen: for each exchange, occurrences by code and label, had every observation the labels of the
            one that stands in for it: what places, time and daylight tell.
        stretch_code, stretch_episode: code and episode of each stretch.
        size: occurrences of each stretch.
        mass: on each label.
        exchanged: the same for R exchanges; NaN where observations could not be exchanged.
    """

    names: tuple[str, ...]
    codes: int
    episodes: int
    occurrence_label: Int8[np.ndarray, " occurrence"]
    counts: Int[np.ndarray, "episode code label"]
    elsewhen: Int[np.ndarray, "round code label"]
    stretch_code: Int[np.ndarray, " stretch"]
    stretch_episode: Int[np.ndarray, " stretch"]
    size: Int[np.ndarray, " stretch"]
    mass: Float32[np.ndarray, "stretch label"]
    exchanged: Float32[np.ndarray, "round stretch label"]

    def by_code(self, values: Float32[np.ndarray, "stretch n"]) -> Float64[np.ndarray, "code n"]:
        """Sums of values over the stretches of each code."""
        total = np.zeros((self.codes, values.shape[1]))
        np.add.at(total, self.stretch_code, values)
        return total

    def sums(self, code: Int[np.ndarray, " n"], label: Int[np.ndarray, " n"]) -> Sums:
        """The mass of a label under the maps of a code, by episode, for each of n codes and labels."""
        row = np.full((self.codes, self.episodes), -1)
        row[self.stretch_code, self.stretch_episode] = np.arange(len(self.stretch_code))
        rows = row[code].T  # [episodes, n]
        there = rows >= 0
        observed = np.where(there, self.mass[rows, label], np.nan).astype(np.float32)
        exchanged = np.where(there, self.exchanged[:, rows, label], np.nan).astype(np.float32)
        return Sums(observed, exchanged)


def label_occurrences(truth: Truth, attribution: Attribution, visible: Visible) -> LabelMass:
    """Finds what lies under each map while the world is visible, and under exchanged observations.

    The mass of a label is the sum of the map over the rectangles that have that label in the occurrence's
    observation.

    Args:
        truth: labels of the play.
        attribution: the maps, and which occurrence has which.
        visible: which observations show the world, and what stands in for them.
    """
    maps = attribution.maps
    lit = maps.nonempty_by_code
    lit = lit[visible.observation[maps.occurrence_step[lit]]]
    episode = visible.episode[maps.occurrence_step[lit]]
    lit = lit[np.lexsort((episode, maps.occurrence_code[lit]))]
    step, code = maps.occurrence_step[lit], maps.occurrence_code[lit].astype(np.int64)
    episode = visible.episode[step].astype(np.int64)
    key, stretch, size = np.unique(code * visible.episodes + episode, return_inverse=True, return_counts=True)

    labels = len(truth.names)
    occurrence_label = np.full(len(maps.occurrence_map), -1, np.int8)
    counts = np.zeros((visible.episodes, maps.codes, labels), np.int32)
    elsewhen = np.zeros((ROUNDS, maps.codes, labels), np.int64)
    mass = np.zeros((len(key), labels))
    exchanged = np.zeros((ROUNDS, len(key), labels))
    known = np.zeros((ROUNDS, len(key)))
    for start in progress(range(0, len(lit), CHUNK), desc="labels", unit="chunk"):
        part = slice(start, start + CHUNK)
        by_box = attribution.mass[maps.occurrence_map[lit[part]]]
        by_label = truth.by_label(by_box, step[part])
        label = by_label.argmax(axis=1)  # the first of equals
        occurrence_label[lit[part]] = label
        np.add.at(counts, (episode[part], code[part], label), 1)
        add_runs(mass, stretch[part], by_label)
        for round_ in range(ROUNDS):
            other = visible.exchanged(step[part], round_)
            there = np.flatnonzero(other >= 0)
            by_label = truth.by_label(by_box[there], other[there])
            np.add.at(elsewhen[round_], (code[part][there], by_label.argmax(axis=1)), 1)
            add_runs(exchanged[round_], stretch[part][there], by_label)
            add_runs(known[round_, :, None], stretch[part][there], np.ones((len(there), 1)))
    # A stretch that was exchanged in part counts as whole.
    with np.errstate(invalid="ignore", divide="ignore"):
        exchanged *= (size / np.where(known > 0, known, np.nan))[:, :, None]
    return LabelMass(
        names=truth.names,
        codes=maps.codes,
        episodes=visible.episodes,
        occurrence_label=occurrence_label,
        counts=counts,
        elsewhen=elsewhen,
        stretch_code=key // visible.episodes,
        stretch_episode=key % visible.episodes,
        size=size,
        mass=mass.astype(np.float32),
        exchanged=exchanged.astype(np.float32),
    )


def add_runs(
    total: Float64[np.ndarray, "row m"], rows: Int[np.ndarray, " n"], values: Shaped[np.ndarray, "n m"]
) -> None:
    """Adds each of `values` to its row of `total`; `rows` must ascend."""
    if len(rows):
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        total[rows[starts]] += np.add.reduceat(values, starts, axis=0, dtype=total.dtype)
