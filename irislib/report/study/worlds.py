"""What a change of the tokenizer does in several worlds, and whether it does so in all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from irislib.report.findings import Measured
from irislib.report.study.answers import MEASURES, beyond
from irislib.report.study.results import StudyResults
from irislib.report.wording import listed

RISES, FALLS = "rises", "falls"
UNMEASURED, TOO_FEW = "not measured in all", "too few seeds"
UNTRAINED = "not trained: an encoder of random weights"
# Changes in words, and the arms that show them: of the first one that a world has, its difference from the
# arm that it is compared with. Patches are as large as the cells of the world, where it has cells.
CHANGES = {
    UNTRAINED: ("untrained",),
    "attention off: a token sees less": ("no-attention",),
    "four times as many tokens, each of a quarter of the area": ("grid-8",),
    "small patches, each seen alone": ("patch-7", "patch-8"),
    "the same patches without a network: k-means of their pixels": ("k-means-7", "k-means-8"),
    "the same patches, shifted": ("patch-7-shifted", "patch-8-shifted"),
    "taught by labels": ("iris-labels",),
    "taught to ignore what is around a patch": ("iris-swap",),
}


@dataclass(frozen=True)
class Effect:
    """What one change of the tokenizer does to one measure.

    Attributes:
        words: the change.
        measure: its name in study.csv; `MEASURES` says it in words.
        known: the difference in each world where it was measured, by the world's name.
        worlds: how many worlds there are.
    """

    words: str
    measure: str
    known: Mapping[str, Measured]
    worlds: int

    @property
    def verdict(self) -> str:
        """Where it is shown that the measure rises or falls: where the interval leaves out zero."""
        if len(self.known) < self.worlds:
            return UNMEASURED
        if not all(change.ranged for change in self.known.values()):
            return TOO_FEW
        if self.direction:
            return f"{self.direction} in all"
        told = [f"{word} in {listed(names)}" for word, names in self._shown.items() if names]
        return ", ".join(told) or "nowhere"

    @property
    def direction(self) -> str:
        """``rises`` or ``falls`` if that is shown in all worlds, else empty."""
        return next((word for word, names in self._shown.items() if len(names) == self.worlds), "")

    @property
    def settled(self) -> bool:
        """Whether it was measured in all worlds, with seeds enough for an interval."""
        return self.verdict not in (UNMEASURED, TOO_FEW)

    @property
    def _shown(self) -> dict[str, list[str]]:
        """The worlds in which the whole interval lies above zero, and those in which it lies below."""
        sure = {name: change for name, change in self.known.items() if beyond(change)}
        return {
            RISES: [name for name, change in sure.items() if change.value > 0],
            FALLS: [name for name, change in sure.items() if change.value < 0],
        }


def by_world(study: StudyResults, worlds: pd.DataFrame) -> dict[str, StudyResults]:
    """The results of each world that has some, by its name; those of study.csv first.

    Args:
        study: study.csv.
        worlds: worlds.csv, the same for other worlds.
    """
    found = [study, *(StudyResults(rows) for _, rows in worlds.groupby("world", sort=False))]
    return {results.world: results for results in found if results}


def effects(found: Mapping[str, StudyResults]) -> list[Effect]:
    """Every change that was tried in two worlds or more, measure by measure."""
    every = [
        Effect(words, measure, _known(found, arms, measure), len(found))
        for measure in MEASURES
        for words, arms in CHANGES.items()
    ]
    return [effect for effect in every if len(effect.known) > 1]


def trained_for_nothing(measured: Sequence[Effect]) -> dict[str, list[str]]:
    """By measure: the worlds in which training IRIS's tokenizer was not shown to raise it.

    Args:
        measured: see `effects`. A world with too few seeds for an interval is in no list, and a measure
            without worlds is left out.
    """
    found = {
        one.measure: [name for name, change in one.known.items() if change.ranged and change.high >= 0]
        for one in measured
        if one.words == UNTRAINED
    }
    return {measure: worlds for measure, worlds in found.items() if worlds}


def _known(found: Mapping[str, StudyResults], arms: Sequence[str], measure: str) -> dict[str, Measured]:
    known = {}
    for name, results in found.items():
        arm = next((arm for arm in arms if arm in results.arms), "")
        if arm and (change := results.difference(arm, measure)).known:
            known[name] = change
    return known
