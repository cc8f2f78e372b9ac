"""Which findings hold in both runs: the kinds of finding, and the codes behind them."""

from dataclasses import dataclass

import pandas as pd

from irislib.report.findings import HEADLINES, Family, Finding, finding
from irislib.report.runs.matching import Matching
from irislib.report.runs.run import Run

WHERE = {(True, True): "both", (True, False): "first", (False, True): "second", (False, False): "neither"}
COLUMNS = {"names": "name", "items": "item", "consistency": "consistent"}  # of codes.csv, by family


@dataclass(frozen=True)
class FamilyInBoth:
    """A kind of finding in two runs.

    Attributes:
        family: the kind.
        first, second: its numbers.
        where: which runs exceed chance: `both`, `first`, `second` or `neither`.
        codes: listed codes of the first and of the second run; None for pairs.
        shared: matched pairs of codes with this finding in both runs, and of the same label or item; None
            for pairs, and without a matching.
    """

    family: Family
    first: Finding
    second: Finding
    where: str
    codes: tuple[int, int] | None
    shared: int | None


def in_both(first: Run, second: Run, matching: Matching | None) -> list[FamilyInBoth]:
    """Each kind of finding, in the order of the first paragraph of the page.

    Raises:
        ArtifactError: a run lacks a number.
    """
    rows = []
    for family in HEADLINES:
        one, other = (finding(run.metrics.get, family) for run in (first, second))
        column = COLUMNS.get(family.key)
        codes = shared = None
        if column is not None:
            found = [_found(run.codes, column) for run in (first, second)]
            codes = (len(found[0]), len(found[1]))
            shared = None if matching is None else _shared(found[0], found[1], matching)
        rows.append(
            FamilyInBoth(family, one, other, WHERE[one.beyond_chance, other.beyond_chance], codes, shared)
        )
    return rows


def _found(codes: pd.DataFrame, column: str) -> dict[int, str]:
    """The codes with a finding, and what it says: the label, the item, or nothing."""
    cells = codes[column]
    if column == "consistent":
        return dict.fromkeys(cells.index[cells], "")
    return {int(code): str(text) for code, text in cells.dropna().items()}


def _shared(first: dict[int, str], second: dict[int, str], matching: Matching) -> int:
    pairs = zip(matching.first.tolist(), matching.second.tolist(), strict=True)
    return sum(a in first and b in second and first[a] == second[b] for a, b in pairs)


def names_by_label(first: Run, second: Run) -> list[tuple[str, int, int]]:
    """How many listed codes have each name: the label, and the numbers of both runs; most frequent first."""
    counts = [run.codes["name"].dropna().value_counts() for run in (first, second)]
    rows = [
        (str(label), int(counts[0].get(label, 0)), int(counts[1].get(label, 0)))
        for label in {*counts[0].index, *counts[1].index}
    ]
    return sorted(rows, key=lambda row: (-row[1] - row[2], row[0]))
