"""The `sensitivity` section of params.yaml."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from irislib.params import STRICT, require


@dataclass(frozen=True)
class SensitivityConfig:
    """The `sensitivity` section. Where there are fewer observations or occurrences, all are taken.

    Attributes:
        observations: number of observations, drawn at random.
        occurrences: number of occurrences, drawn at random from these observations, on which Grad-CAM is
            varied.
        attributed: number of these observations on which the other attribution methods are compared, which
            take longer; they are applied to all of their occurrences.
    """

    __pydantic_config__ = STRICT
    observations: Annotated[int, Ge(1)]
    occurrences: Annotated[int, Ge(1)]
    attributed: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        require(
            self.attributed <= self.observations,
            "attributed",
            f"use at most sensitivity.observations, {self.observations}",
        )
