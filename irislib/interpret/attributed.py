"""Which region of the frame each occurrence is about, by one attribution (protocol step 4)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int16, Int64

from irislib.interpret.evidence import Maps


@dataclass(frozen=True)
class Attributed:
    """The maps of one attribution, as far as labels and crops need them.

    Attributes:
        maps: which occurrence has which map.
        box_mass: share of each map's mass on each labelled rectangle; all 0 for an empty map.
        region_map: the map of each region, ascending.
        region_box: (y0, x0, y1, x1) of each region, half open, in pixels.
    """

    maps: Maps
    box_mass: Float32[np.ndarray, "map box"]
    region_map: Int64[np.ndarray, " region"]
    region_box: Int16[np.ndarray, "region 4"]
