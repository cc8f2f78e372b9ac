"""Numbers of regions and crops (docs/protocol.md, step 5)."""

import numpy as np

from irislib.interpret.evidence import Crops


def measure_crops(crops: Crops) -> dict[str, int]:
    """Numbers of regions, crops, distinct crops and codes with crops; random crops do not count."""
    return {
        "regions": crops.regions,
        "crops": len(crops.own),
        "distinct_crops": len(np.unique(crops.own)),
        "codes_with_crops": len(np.unique(crops.code)),
    }
