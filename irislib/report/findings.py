"""Confirmed findings of the run and of the baselines, for the page and the README (protocol step 10)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from irislib.report.tables import Numbers
from irislib.report.wording import between, listed, many, number

Look = Callable[[str], float | None]


@dataclass(frozen=True)
class Family:
    """A kind of finding.

    Attributes:
        key: section of the metrics, and beginning of the columns of baselines.csv.
        name: how tables call it.
        noun, nouns: what is found, one and several.
        phrase: what they do: verb and object, so that it follows the noun as well as "to".
    """

    key: str
    name: str
    noun: str
    nouns: str
    phrase: str


CONSISTENCY = Family(
    "consistency",
    "codes that look alike",
    "code",
    "codes",
    "highlight parts of the frames that are more alike than the same places at the same times in other "
    "episodes",
)
RANDOM = Family(
    "random",
    "codes that look alike, against random boxes (the paper's comparison)",
    "code",
    "codes",
    "highlight parts of the frames that are more alike than random boxes of the same sizes",
)
NAMES = Family(
    "names",
    "codes with a name",
    "code",
    "codes",
    "show more of a label than the same places do at the same times in other episodes",
)
ITEMS = Family(
    "items",
    "codes that tell an item",
    "code",
    "codes",
    "occur when there is more, or less, of an item than at the same times in other episodes",
)
PAIRS = Family(
    "pairs",
    "pairs of codes",
    "pair of consistent codes",
    "pairs of consistent codes",
    "occur together more often than at the same times in other episodes",
)
SETS = Family(
    "sets",
    "sets of three or more codes",
    "set of consistent codes",
    "sets of consistent codes",
    "occur together more often than at the same times in other episodes",
)
ALL = (CONSISTENCY, RANDOM, NAMES, ITEMS, PAIRS, SETS)
HEADLINES = (NAMES, CONSISTENCY, ITEMS, PAIRS)  # in the order of the first paragraph


@dataclass(frozen=True)
class Measured:
    """A number with its range over divisions of the episodes, or over episodes; NaN if undefined."""

    value: float
    low: float
    high: float

    @property
    def shown(self) -> str:
        """As text: ``23.4 (18 to 29)``; the number alone where it has no range."""
        return f"{number(self.value)} ({between(self.low, self.high)})" if self.ranged else number(self.value)

    @property
    def known(self) -> bool:
        """Whether it is defined."""
        return not math.isnan(self.value)

    @property
    def ranged(self) -> bool:
        """Whether it has a range: a single episode or seed has none."""
        return not (math.isnan(self.low) or math.isnan(self.high))


UNKNOWN = Measured(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Finding:
    """The numbers of a family.

    Attributes:
        tested: hypotheses that could be tested.
        selected: on one half of the episodes, mean over divisions.
        confirmed: of these, on the other half.
        confirmation: confirmed / selected; None if nothing was selected.
        holds: findings that more than half of the divisions confirm.
        chance: number confirmed after observations were exchanged; None if that was not measured.
    """

    tested: float | None
    selected: float | None
    confirmed: Measured
    confirmation: float | None
    holds: float | None
    chance: float | None

    @property
    def beyond_chance(self) -> bool:
        """Whether the whole range lies above what chance gives, and something holds."""
        return bool(self.holds) and self.confirmed.low > (self.chance or 0.0)


def finding(look_up: Look, family: Family) -> Finding:
    """The numbers of a family in the metrics. Raises ArtifactError if one is missing."""

    def at(key: str) -> float | None:
        return look_up(f"{family.key}.{key}")

    low, value, high = (math.nan if one is None else one for one in map(at, ("low", "confirmed", "high")))
    chance = None if family == RANDOM else at("null")
    return Finding(
        at("tested"),
        at("selected"),
        Measured(value, low, high),
        at("confirmation"),
        at("holds"),
        chance,
    )


def by_label(metrics: Numbers) -> str:
    """How many of the listed codes have each name. Raises ArtifactError if the numbers are missing."""
    counts = metrics.group("names.by_label")
    total = sum(counts.values())
    if not total:
        return "most divisions confirm no code"
    named = [(count, label) for label, count in counts.items() if count]
    ranked = sorted(named, key=lambda one: (-one[0], one[1]))
    if len(ranked) == 1:
        return f"most divisions confirm {many(total, 'code')}, all of them {ranked[0][1]}"
    parts = listed([f"{number(n)} {'' if i else 'are '}{label}" for i, (n, label) in enumerate(ranked)])
    return f"of the {many(total, 'code')} that most divisions confirm, {parts}"


TOKENIZERS = {
    "agent": "the analysed codes",
    "untrained": "an untrained encoder",
    "mean_colour": "k-means of mean colours",
    "patches": "k-means of patches",
    "shuffled": "shuffled codes",
}
ATTRIBUTIONS = {
    "change": "what the code changes",
    "position": "the tokens' own patches",
    "gradcam": "Grad-CAM",
}


def measured(row: Any, key: str) -> Measured:
    """A number of a row of baselines.csv or replicates.csv: `names`, for example, or `nmi`."""
    value = row[f"{key}_confirmed"] if f"{key}_confirmed" in row else row[key]
    return Measured(float(value), float(row[f"{key}_low"]), float(row[f"{key}_high"]))


@dataclass(frozen=True)
class Rivalry:
    """The analysed codes and the best baseline, both at the tokens' own patches.

    Attributes:
        ours: the analysed codes.
        best: the baseline with the largest number; shuffled codes do not count, because they are chance.
        name: of that baseline.
    """

    ours: Measured
    best: Measured
    name: str

    @property
    def verdict(self) -> int:
        """1 if the whole range lies above that of the baseline, -1 if below, 0 if the ranges overlap."""
        return int(self.ours.low > self.best.high) - int(self.ours.high < self.best.low)


def rivalry(baselines: pd.DataFrame, key: str) -> Rivalry | None:
    """The best baseline of a family, or of `nmi`; None if there is nothing to compare."""
    rows = baselines[baselines["attribution"] == "position"].set_index("tokenizer")
    found = {name: measured(row, key) for name, row in rows.iterrows() if name != "shuffled"}
    ours = found.pop("agent", None)
    others = {name: one for name, one in found.items() if one.ranged}
    if ours is None or not ours.ranged or not others:
        return None
    best = max(others, key=lambda name: others[name].value)
    return Rivalry(ours, others[best], TOKENIZERS.get(str(best), str(best)))


def tested_for_names(labels: pd.DataFrame) -> int:
    """How many codes could be tested for whether they show more of some label; from labels.csv."""
    return int(labels["code"][labels["confirmed"].notna()].nunique())
