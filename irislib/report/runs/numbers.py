"""The numbers of two runs side by side, each with its range as far as it has one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from irislib.report.findings import ATTRIBUTIONS, HEADLINES, TOKENIZERS, UNKNOWN, Measured, measured
from irislib.report.runs.parameters import ABSENT, flat
from irislib.report.runs.run import Run
from irislib.report.wording import number, percent

NAN = math.nan
WIDTH = 1.96  # standard errors to each side of a mean: 95% of a normal distribution
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Compared:
    """A number of two runs.

    Attributes:
        name: what it is.
        first, second: NaN where a run does not have it, or where it is undefined.
        unit: shares are shown in percent.
        about: its definition, if the name is not enough.
    """

    name: str
    first: Measured
    second: Measured
    unit: Literal["number", "share"] = "number"
    about: str = ""

    def shown(self, one: Measured) -> str:
        """A run's number as text: ``23.4 (18 to 29)``; a dash if there is none."""
        if not one.known:
            return ABSENT
        ends = f" ({self._text(one.low)} to {self._text(one.high)})" if one.ranged else ""
        return self._text(one.value) + ends

    @property
    def difference(self) -> str:
        """The second minus the first, with its sign; a dash if one is missing."""
        if not (self.first.known and self.second.known):
            return ABSENT
        change = self.second.value - self.first.value
        return points(change) if self.unit == "share" else _sign(change) + number(abs(change))

    @property
    def apart(self) -> bool:
        """Whether both have ranges, and these have nothing in common."""
        return self.first.low > self.second.high or self.second.low > self.first.high

    def _text(self, value: float) -> str:
        return percent(value) if self.unit == "share" else number(value)


def points(change: float) -> str:
    """A difference of shares in percentage points, with its sign: ``+1.2 points``."""
    return f"{_sign(change)}{100 * abs(change):.3g} points"


def _sign(change: float) -> str:
    return "+" if change > 0 else MINUS if change < 0 else ""


def headline_numbers(first: Run, second: Run) -> list[Compared]:
    """The numbers of metrics.json, with the ranges that details.json has."""
    keys = dict.fromkeys([*flat(first.headline.content), *flat(second.headline.content)])
    return [Compared(key, _metric(first, key), _metric(second, key)) for key in keys]


def _metric(run: Run, key: str) -> Measured:
    numbers = flat(run.metrics.content)
    section, _, last = key.rpartition(".")
    if key == "agent.return_mean":
        return _return(run.metrics.content.get("agent", {}))
    prefix = f"{section}." if last == "confirmed" else f"{key}_"
    return _ranged(numbers, key, f"{prefix}low", f"{prefix}high")


def _ranged(numbers: Mapping[str, Any], *keys: str) -> Measured:
    value, low, high = (NAN if (one := numbers.get(key)) is None else float(one) for key in keys)
    return Measured(value, low, high)


def _return(about: Mapping[str, Any]) -> Measured:
    """The mean return with its 95% interval over episodes, by the normal approximation."""
    mean, std, episodes = (about.get(key) for key in ("return_mean", "return_std", "episodes"))
    if mean is None or std is None or not episodes:
        return Measured(NAN if mean is None else float(mean), NAN, NAN)
    error = WIDTH * std / math.sqrt(episodes)
    return Measured(float(mean), mean - error, mean + error)


def evaluation_numbers(first: Run, second: Run) -> list[Compared]:
    """The numbers of the agent's evaluation; goals that neither run reaches are left out."""
    contents = [dict(run.evaluation.content) for run in (first, second)]
    numbers = [flat(content) for content in contents]
    rows = []
    for key in dict.fromkeys([*numbers[0], *numbers[1]]):
        section, _, last = key.rpartition(".")
        goal = section == "achievements"
        if last == "return_mean":  # of the agent, or at random in as many episodes
            one, other = (_return({**content, **content.get(section, {})}) for content in contents)
        else:
            one, other = (_ranged(these, key, f"{key}_low", f"{key}_high") for these in numbers)
        if not goal or any(each.value for each in (one, other) if each.known):
            rows.append(Compared(key, one, other, "share" if goal else "number"))
    return rows


def claims(first: Run, second: Run) -> list[Compared]:
    """The rows of claims.csv, matched by name and definition, in the order of the first run's."""
    one, other = _claims_of(first), _claims_of(second)
    return [
        Compared(key[0], one.get(key, UNKNOWN), other.get(key, UNKNOWN), about=key[1])
        for key in dict.fromkeys([*one, *other])
    ]


def _claims_of(run: Run) -> dict[tuple[str, str, int], Measured]:
    """Two rows may have the same name and definition (they belong to the row above), so they are counted."""
    found: dict[tuple[str, str, int], Measured] = {}
    for row in run.claims.itertuples():
        n = sum((name, about) == (row.claim, row.definition) for name, about, _ in found)
        found[str(row.claim), str(row.definition), n] = Measured(row.ours, row.low, row.high)
    return found


def baselines(first: Run, second: Run) -> dict[str, list[Compared]]:
    """For each tokenizer and attribution of baselines.csv, the confirmed numbers and the agreement."""
    one, other = (run.baselines.set_index(["tokenizer", "attribution"]) for run in (first, second))
    names = {family.key: family.name for family in HEADLINES} | {"nmi": "agreement (NMI)"}
    shown: dict[str, list[Compared]] = {}
    for key in dict.fromkeys([*one.index, *other.index]):
        heading = f"{TOKENIZERS.get(key[0], key[0])}, {ATTRIBUTIONS.get(key[1], key[1])}"
        shown[heading] = [
            Compared(name, _baseline(one, key, column), _baseline(other, key, column))
            for column, name in names.items()
        ]
    return shown


def _baseline(table: pd.DataFrame, key: tuple[str, str], column: str) -> Measured:
    return measured(table.loc[key], column) if key in table.index else UNKNOWN
