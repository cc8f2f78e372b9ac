"""The rows of the table of matched codes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from irislib.report.runs.matching import Matching
from irislib.report.runs.numbers import points
from irislib.report.runs.profiles import Profiles
from irislib.report.wording import listed


@dataclass(frozen=True)
class Side:
    """A code of one run as text.

    Attributes:
        code: its number.
        shows: the labels that it shows most, with the share of its maps.
        unusual: the label whose share differs most from that of the same places, in percentage points.
        found: what the analysis found: its name, its item, that it is consistent; may be empty.
    """

    code: int
    shows: str
    unusual: str
    found: str


@dataclass(frozen=True)
class Pair:
    """Two matched codes.

    Attributes:
        first, second: the codes.
        distance: of their profiles.
        close: whether it is among the closest 5% of what shuffled codes give.
    """

    first: Side
    second: Side
    distance: float
    close: bool


def pairs(
    matching: Matching,
    profiles: tuple[Profiles, Profiles],
    codes: tuple[pd.DataFrame, pd.DataFrame],
) -> list[Pair]:
    """The pairs with a finding in a run first, then the others; closest first.

    Args:
        profiles: of the first and of the second run.
        codes: their rows of codes.csv, by code.
    """
    one, other = (_sides(*both) for both in zip(profiles, codes, strict=True))
    rows = [
        Pair(one[int(first)], other[int(second)], float(distance), bool(close))
        for first, second, distance, close in zip(
            matching.first, matching.second, matching.distance, matching.close, strict=True
        )
    ]
    return sorted(rows, key=lambda row: (not (row.first.found or row.second.found), row.distance))


def _sides(profiles: Profiles, codes: pd.DataFrame) -> dict[int, Side]:
    return {
        int(code): _side(int(code), profiles, row, codes.loc[code]) for row, code in enumerate(profiles.codes)
    }


def _side(code: int, profiles: Profiles, row: int, facts: Any) -> Side:
    shows = ", ".join(f"{label} {100 * share:.0f}%" for label, share in profiles.most_shown(row))
    label, excess = profiles.most_unusual(row)
    unusual = f"{label} {points(excess)} beyond its place"
    found = [
        *([f"named {facts['name']}"] if isinstance(facts["name"], str) else []),
        *([f"tells {facts['item']}"] if isinstance(facts["item"], str) else []),
        *(["consistent"] if facts["consistent"] else []),
    ]
    return Side(code, shows, unusual, listed(found))


def without_partner(matching: Matching, profiles: tuple[Profiles, Profiles]) -> tuple[list[int], list[int]]:
    """The codes of each run that have a profile and no partner: one run has more codes."""
    left = [
        np.setdiff1d(one.codes, matched)
        for one, matched in zip(profiles, (matching.first, matching.second), strict=True)
    ]
    return left[0].tolist(), left[1].tolist()
