"""What the ground truth says is in a frame: under a map, and in the patch of a token."""

import numpy as np
from jaxtyping import Float, Int, Int64

from irislib.interpret.labels.truth import Truth

LEAST = 0.02  # share of a patch below which a label in it is left out


def label_under(
    truth: Truth, maps: Float[np.ndarray, "n h w"], steps: Int[np.ndarray, " n"]
) -> Int64[np.ndarray, " n"]:
    """The label on which most of each map's mass lies, as protocol step 9 finds it: index of `truth.names`.

    Args:
        maps: not negative.
        steps: the observation of each map.
    """
    mass = maps.reshape(len(maps), -1).astype(np.float32) @ truth.boxes.weights(maps.shape[1:])
    label: np.ndarray = truth.by_label(mass, steps).argmax(axis=1)
    return label


def labels_in_patches(truth: Truth, grid: tuple[int, ...], step: int) -> list[list[tuple[int, int]]]:
    """For each position of the grid, row by row, the labels in its patch: (index of `truth.names`, percent).

    The largest first. Pixels that no rectangle covers have no label, so the percentages can sum up to less.
    """
    shared = truth.boxes.patches(grid)
    patch = truth.boxes.frame[0] * truth.boxes.frame[1] / len(shared)
    share = truth.by_label(shared, np.full(len(shared), step)) / patch
    return [
        [
            (int(label), round(100 * row[label]))
            for label in np.argsort(-row, kind="stable")
            if row[label] >= LEAST
        ]
        for row in share
    ]
