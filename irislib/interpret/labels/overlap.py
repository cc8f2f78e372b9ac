"""Intersection over union of the regions under a code's maps and the places of a label (protocol step 9)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32

from irislib.artifacts import Store
from irislib.interpret.boxes import Boxes
from irislib.interpret.crops.regions import threshold_masks
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.label_mass import CHUNK, add_runs
from irislib.interpret.labels.truth import Truth
from irislib.interpret.observations.visible import Visible
from irislib.runtime import progress

ROWS = 1024  # maps upsampled at once


@dataclass(frozen=True)
class Overlap:
    """Intersection over union of codes and labels.

    Attributes:
        iou: NaN for a code without a non-empty map.
        elsewhen: the same with the labels of exchanged observations.
    """

    iou: Float[np.ndarray, "code label"]
    elsewhen: Float[np.ndarray, "code label"]


def overlap_labels(truth: Truth, heatmaps: Store, maps: Maps, visible: Visible, threshold: float) -> Overlap:
    """Compares the pixels under the thresholded maps of a code with those of each label.

    Intersections and unions are summed over the visible observations in which the code's map is not empty.
    (Network dissection, arXiv 1704.05796, sums over all observations; a code is absent from most of them.)

    Args:
        truth: labels of the play.
        heatmaps: store of the maps.
        maps: which occurrence has which map.
        visible: which observations show the world, and what stands in for them.
        threshold: share of a map's maximum from which on a pixel belongs to its region.
    """
    lit = pixels_by_box(heatmaps, truth.boxes, threshold)
    other = visible.exchanged(np.arange(maps.steps), 0)
    other = np.where(other < 0, np.arange(maps.steps), other)
    everything = np.broadcast_to(truth.boxes.area, (maps.steps, len(truth.boxes)))
    area = np.concatenate(
        [
            truth.by_label(everything[start : start + CHUNK], np.arange(maps.steps)[start : start + CHUNK])
            for start in range(0, maps.steps, CHUNK)
        ]
    )
    occurrences = maps.nonempty_by_code
    occurrences = occurrences[visible.observation[maps.occurrence_step[occurrences]]]
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


def pixels_by_box(heatmaps: Store, boxes: Boxes, threshold: float) -> Int32[np.ndarray, "map box"]:
    """Pixels of each rectangle inside the region of each map."""
    pixels = np.zeros((len(heatmaps), len(boxes)), np.int32)
    for start in progress(range(0, len(pixels), ROWS), desc="regions", unit="block"):
        rows = slice(start, start + ROWS)
        masks = threshold_masks(heatmaps.read("heatmap", rows), boxes.frame, threshold)
        pixels[rows] = boxes.sum_pixels(masks)
    return pixels
