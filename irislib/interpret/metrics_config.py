"""The `metrics` section of params.yaml: when a finding counts. The `compare` stage uses it too."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from irislib.params import STRICT


@dataclass(frozen=True)
class MetricsConfig:
    """The `metrics` section.

    Attributes:
        alpha: largest p-value with which a hypothesis is selected on one half of the episodes, and false
            discovery rate with which it is confirmed on the other; for each family: consistent codes, names
            of codes, items of codes, pairs of codes, sets of codes.
        min_crops: smallest number of crops with which a code is tested.
        min_pair_count: smallest number of visible observations that two codes must share to be listed.
        min_set_share: smallest share of the visible observations that three or more codes must share to be listed as
            a set; the number of observations is never below `min_pair_count`.
        max_set_size: largest number of codes in a set.
        psnr_frames: largest number of frames on which the reconstruction is measured, evenly spaced over the
            rollouts.
    """

    __pydantic_config__ = STRICT
    alpha: Annotated[float, Gt(0), Lt(1)]
    min_crops: Annotated[int, Ge(2)]
    min_pair_count: Annotated[int, Ge(1)]
    min_set_share: Annotated[float, Ge(0), Lt(1)]
    max_set_size: Annotated[int, Ge(3), Le(8)]
    psnr_frames: Annotated[int, Ge(1)]
