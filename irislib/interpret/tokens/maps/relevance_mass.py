"""How much of a map lies on its code's own label (docs/protocol.md, step 13)?"""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from irislib.interpret.attribution.occurrences import Occurrences
from irislib.interpret.boxes import Boxes
from irislib.interpret.labels.truth import Truth
from irislib.interpret.observations.exchange import ROUNDS
from irislib.interpret.observations.visible import Visible
from irislib.interpret.tokens.patches import shared_pixels


def measure_relevance_mass(
    mass: Float[np.ndarray, "n box"],
    explained: Occurrences,
    code_label: Int[np.ndarray, " code"],
    truth: Truth,
    visible: Visible,
) -> tuple[float, float]:
    """Relevance mass accuracy (Arras et al. 2022, arXiv 2003.07258) with the code's label as the target.

    Args:
        mass: share of each map's mass on each rectangle (`mass_by_box`, `mass_by_position`), zero for an
            empty map.
        explained: the occurrences, whose `step` is an observation of the truth.
        code_label: the commonest label of each code; -1 for none.
        truth: labels of the play.
        visible: what stands in for an observation.

    Returns:
        The mean share of a map that lies on its code's label, over the maps that are not empty; and the same
        with the labels of exchanged observations, which is what the code's places show. NaN without a map.
    """
    label = code_label[explained.code]
    kept = np.flatnonzero(mass.any(axis=1) & (label >= 0))
    if len(kept) == 0:
        return float("nan"), float("nan")
    step, label, mass = explained.step[kept].astype(np.int64), label[kept], mass[kept]

    def on_label(steps: np.ndarray, rows: np.ndarray) -> Float64[np.ndarray, " n"]:
        found: np.ndarray = truth.by_label(mass[rows], steps)[np.arange(len(rows)), label[rows]]
        return found

    elsewhere = []
    for round_ in range(ROUNDS):
        other = visible.exchanged(step, round_)
        there = np.flatnonzero(other >= 0)
        elsewhere.append(on_label(other[there], there))
    by_place = np.concatenate(elsewhere)
    own = float(on_label(step, np.arange(len(step))).mean())
    return own, float(by_place.mean()) if len(by_place) else float("nan")


def mass_by_map(maps: Float[np.ndarray, "n h w"], boxes: Boxes) -> Float64[np.ndarray, "n box"]:
    """Share of each map's mass on each rectangle, when the map is upsampled bilinearly.

    Pixels without a label do not count. The shares of a map sum to 1, or to 0 for an empty map.

    Args:
        maps: not negative.
        boxes: the labelled rectangles.
    """
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    return _shares(flat @ boxes.weights(maps.shape[1:]))


def mass_by_position(
    positions: Bool[np.ndarray, "n h w"], patches: Int[np.ndarray, "position 4"], boxes: Boxes
) -> Float64[np.ndarray, "n box"]:
    """Share of the pixels of a code's patches that lies on each rectangle; see `mass_by_map`.

    Args:
        positions: where each code stands.
        patches: the patch of every token of the grid.
        boxes: the labelled rectangles.
    """
    flat = positions.reshape(len(positions), -1).astype(np.float64)
    return _shares(flat @ shared_pixels(patches, boxes.corners))


def _shares(mass: Float64[np.ndarray, "n box"]) -> Float64[np.ndarray, "n box"]:
    total = mass.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.divide(mass, total, out=np.zeros_like(mass), where=total > 0)
    return shares
