"""The stratum of each observation: what of it a code must not be compared across (protocol step 0).

Night and sleep change every pixel of the world at once. Observations are therefore exchanged for others of
their stratum alone.
"""

import numpy as np
from jaxtyping import UInt8

from irislib.artifacts import Store

STRATA = ("day", "night", "hidden")
NIGHT = 0.5  # daylight below it is night; Crafter adds noise to the frame there


def read_strata(rollouts: Store) -> UInt8[np.ndarray, " step"]:
    """The stratum of each observation, an index into `STRATA`.

    An observation that hides the world (in Crafter: of a sleeper) is "hidden" by day and by night.

    Args:
        rollouts: recorded play.

    Raises:
        ArtifactError: an array cannot be read or is damaged.
    """
    day, night, hidden = (np.uint8(index) for index in range(len(STRATA)))
    dark = rollouts.read("daylight") < NIGHT
    return np.where(rollouts.read("hidden"), hidden, np.where(dark, night, day))
