"""The claims of the paper beside our numbers of the same definition, and numbers of our own."""

import csv
import io
from dataclasses import dataclass
from typing import Literal

from irislib.report.claim_rows import OWN_ROWS, PAPER_ROWS, Row
from irislib.report.inputs import Inputs
from irislib.report.wording import UNDEFINED, number, percent

Unit = Literal["share", "number"]
NOT_IN_PAPER = "our own"
INCOMPARABLE = "not comparable: not defined by the paper"


@dataclass(frozen=True)
class Claim:
    """A row of one of the two tables of claims.

    Attributes:
        claim: what is measured.
        definition: how it is measured.
        paper: the value in the paper (arXiv 2407.19532), or its words if it gives no number; None in a row of
            our own.
        ours: our value; None if undefined, or if the paper does not define its own.
        unit: how both values are shown; shares are in [0, 1].
        low, high: range of our value; None if it was not measured.
        comparable: whether the paper defines its value, so that ours can be measured alike.
    """

    claim: str
    definition: str
    paper: float | str | None
    ours: float | None
    unit: Unit
    low: float | None = None
    high: float | None = None
    comparable: bool = True

    @property
    def paper_shown(self) -> str:
        """The value of the paper as text."""
        if self.paper is None:
            return NOT_IN_PAPER
        return self.paper if isinstance(self.paper, str) else self._show(self.paper)

    @property
    def ours_shown(self) -> str:
        """Our value as text, with its range."""
        if not self.comparable:
            return INCOMPARABLE
        if self.ours is None:
            return UNDEFINED
        if self.low is None or self.high is None:
            return self._show(self.ours)
        return f"{self._show(self.ours)} ({self._show(self.low)} to {self._show(self.high)})"

    def _show(self, value: float) -> str:
        return percent(value) if self.unit == "share" else number(value, 4)


def collect_claims(inputs: Inputs) -> list[Claim]:
    """The rows with a value of the paper, then our own. Raises ArtifactError if a number is missing."""
    return [_claim(inputs, row) for row in (*PAPER_ROWS, *OWN_ROWS)]


def _claim(inputs: Inputs, row: Row) -> Claim:
    value, low, high = (inputs.metric(key) if key else None for key in (row.key, row.low, row.high))
    if row.per:
        total = inputs.metric(row.per) or None
        value, low, high = (one / total if one is not None and total else None for one in (value, low, high))
    return Claim(row.claim, row.definition, row.paper, value, row.unit, low, high, bool(row.key))


def claims_csv(claims: list[Claim]) -> bytes:
    """The rows as CSV; a cell is empty if there is no value, or no range."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["claim", "definition", "paper", "ours", "low", "high"])
    for row in claims:
        paper = NOT_IN_PAPER if row.paper is None else row.paper
        writer.writerow([row.claim, row.definition, paper, *map(_whole, (row.ours, row.low, row.high))])
    return text.getvalue().encode()


def _whole(value: float | None) -> float | None:
    return int(value) if value is not None and value.is_integer() else value
