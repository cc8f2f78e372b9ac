"""How strongly a code lights up in each of its crops: the weights of its monosemanticity (arXiv 2504.02821).

There the score of a neuron is the mean pairwise similarity of images, a pair weighted by the product of its
activations, each scaled by the neuron's least and largest over all images. Here the neurons are codes,
the images their crops, and the activation is the largest value of the map behind a crop. Where a code is
absent its map is empty: the least activation is 0, and scaling by the largest cancels out.
"""

import numpy as np

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.interpret.evidence import Crops, Maps


def crop_activation(heatmaps: Store, maps: Maps, crops: Crops) -> np.ndarray:
    """The largest value of the map behind each crop, float64 [N].

    Raises:
        ArtifactError: a crop's code has no map in its observation.
    """
    present = maps.occurrence_step.astype(np.int64) * maps.codes + maps.occurrence_code
    wanted = crops.step.astype(np.int64) * maps.codes + crops.code
    pair = np.searchsorted(present, wanted)  # pairs are ordered by step, then code
    if not np.array_equal(present[np.minimum(pair, len(present) - 1)], wanted):
        raise ArtifactError(f"{heatmaps.path}: lacks maps of some crops; run the crop stage again")
    peak = heatmaps.read("map_raw_max").astype(np.float64)
    peaks: np.ndarray = peak[maps.occurrence_map[pair]]
    return peaks
