"""How well the region under a code's maps fits the places of a label (protocol step 9)."""

from dataclasses import dataclass

import numpy as np

from irislib.artifacts import Store
from irislib.interpret.crops.regions import threshold_masks
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.label_mass import CHUNK, add_runs
from irislib.interpret.labels.truth import Truth, View
from irislib.runtime import progress
from irislib.seeding import stream

Array = np.ndarray

ROWS = 1024  # maps upsampled at once


@dataclass(frozen=True)
class Overlap:
    """Intersection over union of codes and labels.

    Attributes:
        iou: float64 [K,L]; NaN for a code without a non-empty map.
        elsewhen: the same, had every observation the labels of another one, drawn at random.
    """

    iou: Array
    elsewhen: Array


def overlap_labels(truth: Truth, heatmaps: Store, maps: Maps, threshold: float, seed: int) -> Overlap:
    """Compares the pixels under the thresholded maps of a code with those of each label.

    Intersections and unions are summed over the observations in which the code's map is not empty, as in
    network dissection (arXiv 1704.05796), which sums over all: a code is one of many and absent from most.

    Args:
        truth: the simulator's labels.
        heatmaps: store of the maps.
        maps: who has which map.
        threshold: a share of the map's maximum, as for its regions.
        seed: of the exchange of observations.
    """
    lit = pixels_by_cell(heatmaps, truth.view, threshold)
    other = stream(seed, "overlap", "elsewhen").permutation(maps.steps)
    everything = np.full((maps.steps, truth.view.cells), truth.view.cell**2, np.uint16)
    area = np.concatenate(
        [
            truth.by_label(everything[start : start + CHUNK], np.arange(maps.steps)[start : start + CHUNK])
            for start in range(0, maps.steps, CHUNK)
        ]
    )
    occurrences = maps.nonempty_by_code
    labels = len(truth.names)
    mask = np.zeros((maps.codes, 1))
    shared, either = np.zeros((2, 2, maps.codes, labels))
    for start in progress(range(0, len(occurrences), CHUNK), desc="overlap", unit="chunk"):
        chunk = occurrences[start : start + CHUNK]
        code, step = maps.occurrence_code[chunk], maps.occurrence_step[chunk]
        pixels = lit[maps.occurrence_map[chunk]]
        add_runs(mask, code, pixels.sum(axis=1, keepdims=True, dtype=np.int64))
        for kind, at in enumerate((step, other[step])):
            add_runs(shared[kind], code, truth.by_label(pixels, at))
            add_runs(either[kind], code, area[at])
    either += mask - shared
    iou = np.divide(shared, either, out=np.full_like(shared, np.nan), where=(mask > 0) & (either > 0))
    return Overlap(iou[0], iou[1])


def pixels_by_cell(heatmaps: Store, view: View, threshold: float) -> Array:
    """Pixels of each cell under each thresholded map, u16 [U,cells]."""
    pixels = np.zeros((len(heatmaps), view.cells), np.uint16)
    for start in progress(range(0, len(pixels), ROWS), desc="regions", unit="block"):
        rows = slice(start, start + ROWS)
        pixels[rows] = view.sum_cells(threshold_masks(heatmaps.read("heatmap", rows), view.frame, threshold))
    return pixels
