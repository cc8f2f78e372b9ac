"""The `sensitivity` section of params.yaml."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from irislib.params import STRICT, require


@dataclass(frozen=True)
class SensitivityConfig:
    """The `sensitivity` section.

    Attributes:
        observations: number of observations, drawn at random, on whose occurrences Grad-CAM is varied; all,
            where there are fewer.
        attributed: number of these observations for the other attribution methods, which take longer.
    """

    __pydantic_config__ = STRICT
    observations: Annotated[int, Ge(1)]
    attributed: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        require(
            self.attributed <= self.observations,
            "attributed",
            f"use at most sensitivity.observations, {self.observations}",
        )
