"""Crops that show nothing of their code: what consistency finds by chance (protocol step 10)."""

from dataclasses import replace

import numpy as np

from irislib.interpret.evidence import Crops
from irislib.seeding import stream


def exchange_crops(crops: Crops, seed: int) -> Crops:
    """Crops and their counterparts elsewhen change roles, in half of each code's episodes, at random."""
    key = crops.code.astype(np.int64) * (int(crops.episode.max(initial=0)) + 1) + crops.episode
    _, stretch = np.unique(key, return_inverse=True)
    swap = stream(seed, "exchanged crops").integers(0, 2, int(stretch.max(initial=-1)) + 1).astype(bool)
    swapped = swap[stretch] & (crops.elsewhen >= 0)
    return replace(
        crops,
        own=np.where(swapped, crops.elsewhen, crops.own),
        elsewhen=np.where(swapped, crops.own, crops.elsewhen),
        own_from=np.where(swapped, crops.elsewhen_from, crops.own_from),
        elsewhen_from=np.where(swapped, crops.own_from, crops.elsewhen_from),
    )
