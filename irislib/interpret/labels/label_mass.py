"""How much of each map lies on each label of the ground truth (protocol step 9)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int, Int8, Shaped

from irislib.artifacts import Store
from irislib.interpret.crops.attribution_kinds import mass_by_box
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.truth import Truth
from irislib.runtime import progress
from irislib.seeding import stream

CHUNK = 16384  # occurrences at once


@dataclass(frozen=True)
class LabelMass:
    """What lies under the non-empty maps of K codes.

    A stretch is one code in one episode. There are S stretches with a non-empty map, ordered by code, then
    episode. The mass of a map is given in shares of the map's whole, and summed over the stretch.

    Attributes:
        names: of the L labels, "display" last.
        occurrence_label: the label with the largest share of an occurrence's map; -1 for an empty map.
        counts: occurrences by code and `occurrence_label`.
        elsewhen: the same, had every observation the labels of another one, drawn at random: what the
            places of the maps alone tell.
        stretch_code, stretch_episode: code and episode of each stretch.
        box_mass: mass on each rectangle.
        label_mass: mass on each label.
        quantity_mass: mass on the rectangle of each quantity, while there is any of it.
    """

    names: tuple[str, ...]
    occurrence_label: Int8[np.ndarray, " occurrence"]
    counts: Int[np.ndarray, "code label"]
    elsewhen: Int[np.ndarray, "code label"]
    stretch_code: Int[np.ndarray, " stretch"]
    stretch_episode: Int[np.ndarray, " stretch"]
    box_mass: Float[np.ndarray, "stretch box"]
    label_mass: Float[np.ndarray, "stretch label"]
    quantity_mass: Float[np.ndarray, "stretch quantity"]

    def by_code(self, values: Float[np.ndarray, "stretch n"]) -> Float64[np.ndarray, "code n"]:
        """Sums of values over the stretches of each code."""
        total = np.zeros((len(self.counts), values.shape[1]))
        np.add.at(total, self.stretch_code, values)
        return total


def label_occurrences(truth: Truth, heatmaps: Store, maps: Maps, seed: int) -> LabelMass:
    """Finds what lies under each non-empty map.

    The mass of a label is the sum of the upsampled map over the rectangles that have that label in the
    occurrence's observation. Occurrences that share a map differ in the observation's labels only, so the
    map's mass on each rectangle is computed once a map.

    Args:
        truth: labels of the play.
        heatmaps: store of the maps.
        maps: which occurrence has which map.
        seed: of the random exchange of observations behind `elsewhen`.
    """
    mass = mass_by_box(heatmaps, truth.boxes.weights(heatmaps.array("heatmap").shape[1:]))
    other = stream(seed, "semantics", "elsewhen").permutation(maps.steps)
    lit = maps.nonempty_by_code
    episode = maps.episode[maps.occurrence_step[lit]]
    lit = lit[np.lexsort((episode, maps.occurrence_code[lit]))]
    episodes = int(maps.episode.max()) + 1
    key = maps.occurrence_code[lit].astype(np.int64) * episodes + maps.episode[maps.occurrence_step[lit]]
    key, stretch = np.unique(key, return_inverse=True)

    labels = len(truth.names)
    occurrence_label = np.full(len(maps.occurrence_map), -1, np.int8)
    counts, elsewhen = np.zeros((2, maps.codes, labels), np.int64)
    box_mass, label_mass, quantity_mass = (
        np.zeros((len(key), width)) for width in (len(truth.boxes), labels, len(truth.quantities))
    )
    for start in progress(range(0, len(lit), CHUNK), desc="semantics", unit="chunk"):
        chunk, rows = lit[start : start + CHUNK], stretch[start : start + CHUNK]
        step, code = maps.occurrence_step[chunk], maps.occurrence_code[chunk]
        by_box = mass[maps.occurrence_map[chunk]]
        by_label = truth.by_label(by_box, step)
        occurrence_label[chunk] = by_label.argmax(axis=1)  # the first of equals
        np.add.at(counts, (code, occurrence_label[chunk]), 1)
        np.add.at(elsewhen, (code, truth.by_label(by_box, other[step]).argmax(axis=1)), 1)
        add_runs(box_mass, rows, by_box)
        add_runs(label_mass, rows, by_label)
        add_runs(quantity_mass, rows, truth.on_quantities(by_box, step))
    return LabelMass(
        names=truth.names,
        occurrence_label=occurrence_label,
        counts=counts,
        elsewhen=elsewhen,
        stretch_code=key // episodes,
        stretch_episode=key % episodes,
        box_mass=box_mass,
        label_mass=label_mass,
        quantity_mass=quantity_mass,
    )


def add_runs(
    total: Float64[np.ndarray, "row m"], rows: Int[np.ndarray, " n"], values: Shaped[np.ndarray, "n m"]
) -> None:
    """Adds each of `values` to its row of `total`; `rows` must ascend."""
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    total[rows[starts]] += np.add.reduceat(values, starts, axis=0, dtype=total.dtype)
