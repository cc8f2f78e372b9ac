"""How strong the map of each occurrence is, beside the strongest map of its code."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from irislib.report.inputs import Inputs

# Map strength above two thirds of the code's strongest map, above one third, above nothing, nothing.
CLASSES = ("high", "middle", "low", "empty")
HIGH, MIDDLE, LOW, EMPTY = range(len(CLASSES))


@dataclass(frozen=True)
class Occurrences:
    """All occurrences (an observation, and a code that is in it), in order of the observation.

    Attributes:
        step: int32 [n], row of the observation in rollouts.zarr.
        map: int32 [n], row of its change map in changes.zarr.
        code: int32 [n].
        strength: largest value of its change map; 0 is an empty map.
        kind: index of `CLASSES`.
    """

    step: Int[np.ndarray, " n"]
    map: Int[np.ndarray, " n"]
    code: Int[np.ndarray, " n"]
    strength: Float[np.ndarray, " n"]
    kind: UInt8[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.step)

    def rows(self, chosen: Int[np.ndarray, " m"] | Bool[np.ndarray, " n"]) -> "Occurrences":
        """The occurrences in these rows."""
        columns = (self.step, self.map, self.code, self.strength, self.kind)
        return Occurrences(*(column[chosen] for column in columns))


def read_occurrences(inputs: Inputs) -> Occurrences:
    """Reads the occurrences of recorded play and sorts their maps into `CLASSES`."""
    step, of_map = inputs.changes.read("occurrence_step"), inputs.changes.read("occurrence_map")
    code = inputs.changes.read("map_code")[of_map]
    strength = inputs.changes.read("map_raw_max")[of_map].astype(np.float64)
    return Occurrences(step, of_map, code, strength, classify(code, strength, len(inputs.codes)))


def classify(
    code: Int[np.ndarray, " n"], strength: Float[np.ndarray, " n"], codes: int
) -> UInt8[np.ndarray, " n"]:
    """The class of each strength beside the largest one of its code: index of `CLASSES`."""
    strongest = np.zeros(codes)
    np.maximum.at(strongest, code, strength)
    share = np.divide(strength, strongest[code], out=np.zeros(len(code)), where=strength > 0)
    kind = np.select([share > 2 / 3, share > 1 / 3, share > 0], [HIGH, MIDDLE, LOW], EMPTY)
    return kind.astype(np.uint8)
