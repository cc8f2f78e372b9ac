"""What the simulator says is under the maps (protocol step 9)."""

from dataclasses import dataclass

import numpy as np

from irislib.artifacts import Store
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.truth import Truth
from irislib.runtime import progress
from irislib.seeding import stream

Array = np.ndarray

CHUNK = 16384  # pairs at once


@dataclass(frozen=True)
class LabelMass:
    """What lies under the non-empty maps of K codes, by label (L of them) and by cell of the view (C).

    A stretch is one code in one episode; there are S with a non-empty map, by code, then episode.

    Attributes:
        names: of the labels, "hud" last.
        occurrence_label: int8 [P], the label with the largest share of the map's mass; -1 for an empty
            map.
        counts: int64 [K,L], pairs by code and `occurrence_label`.
        elsewhen: int64 [K,L], what `counts` were if every observation had the labels of another one, drawn
            at random: what the places of the maps alone tell.
        stretch_code, stretch_episode: int64 [S].
        cell_mass: float64 [S,C], the maps' mass on each cell, each map's in shares, summed over the stretch.
        label_mass: float64 [S,L], the same by label.
        item_mass: float64 [S,I], the same by item of the inventory, where the player holds it.
    """

    names: tuple[str, ...]
    occurrence_label: Array
    counts: Array
    elsewhen: Array
    stretch_code: Array
    stretch_episode: Array
    cell_mass: Array
    label_mass: Array
    item_mass: Array

    def by_code(self, values: Array) -> Array:
        """Sums of values [S,n] over the stretches of each code, float64 [K,n]."""
        total = np.zeros((len(self.counts), values.shape[1]))
        np.add.at(total, self.stretch_code, values)
        return total


def label_pairs(truth: Truth, heatmaps: Store, maps: Maps, seed: int) -> LabelMass:
    """Finds what lies under each non-empty map.

    The mass of a label is the sum of the upsampled map over the cells that the simulator gives that label
    in the pair's observation. Only the observation's labels vary among the pairs that share a map, so the
    map's mass on each cell is computed once a map.

    Args:
        truth: the simulator's labels.
        heatmaps: store of the maps.
        maps: who has which map.
        seed: of the exchange of observations.
    """
    mass = mass_by_cell(heatmaps, truth.view.weights(heatmaps.array("heatmap").shape[1:]))
    other = stream(seed, "semantics", "elsewhen").permutation(maps.steps)
    pairs = maps.nonempty_by_code
    episode = maps.episode[maps.occurrence_step[pairs]]
    pairs = pairs[np.lexsort((episode, maps.occurrence_code[pairs]))]
    episodes = int(maps.episode.max()) + 1
    key = maps.occurrence_code[pairs].astype(np.int64) * episodes + maps.episode[maps.occurrence_step[pairs]]
    key, stretch = np.unique(key, return_inverse=True)

    labels = len(truth.names)
    occurrence_label = np.full(len(maps.occurrence_map), -1, np.int8)
    counts, elsewhen = np.zeros((2, maps.codes, labels), np.int64)
    cell_mass, label_mass, item_mass = (
        np.zeros((len(key), width)) for width in (truth.view.cells, labels, len(truth.items))
    )
    for start in progress(range(0, len(pairs), CHUNK), desc="semantics", unit="chunk"):
        chunk, rows = pairs[start : start + CHUNK], stretch[start : start + CHUNK]
        step, code = maps.occurrence_step[chunk], maps.occurrence_code[chunk]
        by_cell = mass[maps.occurrence_map[chunk]]
        by_label = truth.by_label(by_cell, step)
        occurrence_label[chunk] = by_label.argmax(axis=1)  # the first of equals
        np.add.at(counts, (code, occurrence_label[chunk]), 1)
        np.add.at(elsewhen, (code, truth.by_label(by_cell, other[step]).argmax(axis=1)), 1)
        add_runs(cell_mass, rows, by_cell)
        add_runs(label_mass, rows, by_label)
        add_runs(item_mass, rows, truth.on_items(by_cell, step))
    return LabelMass(
        names=truth.names,
        occurrence_label=occurrence_label,
        counts=counts,
        elsewhen=elsewhen,
        stretch_code=key // episodes,
        stretch_episode=key % episodes,
        cell_mass=cell_mass,
        label_mass=label_mass,
        item_mass=item_mass,
    )


def mass_by_cell(heatmaps: Store, weights: Array) -> Array:
    """Shares of each map's mass by cell, float32 [U,C], summing to 1 where the map is not empty.

    Args:
        heatmaps: store of the maps.
        weights: float32 [grid cells, C].
    """
    mass = np.zeros((len(heatmaps), weights.shape[1]), np.float32)
    for start in range(0, len(mass), CHUNK):
        rows = slice(start, start + CHUNK)
        values = heatmaps.read("heatmap", rows).reshape(-1, len(weights)) @ weights
        total = values.sum(axis=1, keepdims=True)
        mass[rows] = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return mass


def add_runs(total: Array, rows: Array, values: Array) -> None:
    """Adds each of `values` [n,m] to its row of `total`; `rows`, int [n], ascend."""
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    total[rows[starts]] += np.add.reduceat(values, starts, axis=0, dtype=total.dtype)
