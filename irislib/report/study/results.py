"""The table of the study, and how its numbers are looked up."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from irislib.report.findings import UNKNOWN, Measured
from irislib.worlds.names import world_name

STUDY_COLUMNS = [
    *("world", "arm", "varies", "compared_with", "steps", "measure", "seeds"),
    *("mean", "low", "high", "least", "most"),
    *("difference", "difference_low", "difference_high"),
]
REFERENCE = "nothing"  # what the arm varies that most others are compared with


@dataclass(frozen=True)
class StudyResults:
    """Means over seeds with 95% intervals, one row for each arm, number of gradient steps, and measure.

    Attributes:
        table: study.csv; without rows if the study was not run.
    """

    table: pd.DataFrame

    def __bool__(self) -> bool:
        """Whether there is an arm to compare with."""
        return bool(self.reference)

    @property
    def world(self) -> str:
        """Name of the world, as a heading; empty without results."""
        return next((world_name(str(name)) for name in self.table["world"]), "")

    @property
    def arms(self) -> list[str]:
        """Names, in the order of the table."""
        return list(dict.fromkeys(self.table["arm"]))

    @property
    def reference(self) -> str:
        """Name of the arm that the others are compared with; empty without results."""
        return next(iter(self.varying(REFERENCE)), "")

    def varying(self, *varies: str) -> list[str]:
        """Names of the arms that vary one of these."""
        return list(dict.fromkeys(self.table["arm"][self.table["varies"].isin(varies)]))

    def varies(self, arm: str) -> str:
        """What an arm varies."""
        return str(self.table["varies"][self.table["arm"] == arm].iloc[0])

    def compared_with(self, arm: str) -> str:
        """Name of the arm that an arm's differences are from."""
        return str(self.table["compared_with"][self.table["arm"] == arm].iloc[0])

    def steps(self, arm: str) -> list[int]:
        """Gradient steps after which an arm was measured, ascending."""
        return self._steps.get(arm, [])

    def mean(self, arm: str, measure: str, steps: int | None = None) -> Measured:
        """Mean and interval over the seeds, by default of the finished arm; NaN where it was not measured."""
        return self._measured(arm, measure, steps, ("mean", "low", "high"))

    def difference(self, arm: str, measure: str) -> Measured:
        """Mean difference from the arm that it is compared with, at equal seeds, with its interval."""
        return self._measured(arm, measure, None, ("difference", "difference_low", "difference_high"))

    def seeds(self, arm: str) -> int:
        """How many seeds an arm has."""
        return int(self.table["seeds"][self.table["arm"] == arm].max())

    def _measured(self, arm: str, measure: str, steps: int | None, columns: tuple[str, str, str]) -> Measured:
        if steps is None:
            steps = self.steps(arm)[-1]
        row = self._rows.get((arm, measure, steps))
        return Measured(*(float(row[column]) for column in columns)) if row else UNKNOWN

    @cached_property
    def _steps(self) -> dict[str, list[int]]:
        return {str(arm): sorted(map(int, set(rows["steps"]))) for arm, rows in self.table.groupby("arm")}

    @cached_property
    def _rows(self) -> dict[tuple[str, str, int], dict[Hashable, Any]]:
        """The rows by arm, measure and steps: the page looks up more than a thousand."""
        rows = self.table.to_dict("records")
        return {(row["arm"], row["measure"], row["steps"]): row for row in rows}
