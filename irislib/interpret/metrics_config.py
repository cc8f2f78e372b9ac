"""The `metrics` section of params.yaml: when a finding counts. The `compare` stage uses it too."""

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from irislib.params import STRICT, require


@dataclass(frozen=True)
class MetricsConfig:
    """The `metrics` section.

    Attributes:
        alpha: false discovery rate of each family of tests: consistent codes, codes more consistent than
            their boxes, labels of codes, quantities of codes, pairs of codes, sets of codes.
        permutations: largest number of sign vectors of a sign-flip test; all are enumerated when there are
            no more.
        min_crops: smallest number of crops with which a code is tested, and of observations with crops of
            both codes with which a pair of codes is judged.
        min_pair_count: smallest number of observations that two codes must share to be listed.
        min_set_share: smallest share of all observations that three or more codes must share to be listed as
            a set; the number of observations is never below `min_pair_count`.
        max_set_size: largest number of codes in a set.
        psnr_frames: largest number of frames on which the reconstruction is measured, evenly spaced over the
            rollouts.
    """

    __pydantic_config__ = STRICT
    alpha: Annotated[float, Gt(0), Lt(1)]
    permutations: Annotated[int, Ge(1)]
    min_crops: Annotated[int, Ge(2)]
    min_pair_count: Annotated[int, Ge(1)]
    min_set_share: Annotated[float, Ge(0), Lt(1)]
    max_set_size: Annotated[int, Ge(3), Le(8)]
    psnr_frames: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        least = math.ceil(1 / self.alpha) - 1
        require(
            1 / (self.permutations + 1) <= self.alpha,
            "permutations",
            f"{self.permutations} can never reach a p-value of {self.alpha}; use at least {least}",
        )
