"""The activation of a code in each of its crops: the weights of its monosemanticity (arXiv 2504.02821).

In that paper, the score of a neuron is the mean pairwise similarity of images, weighted by the product of
the neuron's activations, each scaled by the neuron's minimum and maximum over all images. Here a neuron is a
code, an image is one of its crops, and the activation is the largest value of the map behind the crop. Where
a code is absent its map is empty, so the minimum is 0, and the scaling by the maximum cancels out.
"""

import numpy as np
from jaxtyping import Float64

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.interpret.evidence import Crops, Maps


def crop_activation(heatmaps: Store, maps: Maps, crops: Crops) -> Float64[np.ndarray, " crops"]:
    """The largest value of the map behind each crop.

    Raises:
        ArtifactError: the code of a crop does not occur in its observation.
    """
    present = maps.occurrence_step.astype(np.int64) * maps.codes + maps.occurrence_code
    wanted = crops.step.astype(np.int64) * maps.codes + crops.code
    occurrence = np.searchsorted(present, wanted)  # occurrences are ordered by step, then code
    if not np.array_equal(present[np.minimum(occurrence, len(present) - 1)], wanted):
        raise ArtifactError(f"{heatmaps.path}: lacks maps of some crops; run the crop stage again")
    peak = heatmaps.read("map_raw_max").astype(np.float64)
    peaks: np.ndarray = peak[maps.occurrence_map[occurrence]]
    return peaks
