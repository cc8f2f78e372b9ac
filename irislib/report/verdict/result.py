"""The answer: how many codes show one thing, and what they show."""

from dataclasses import dataclass

import pandas as pd

from irislib.report.findings import (
    CONSISTENCY,
    NAMES,
    Finding,
    Look,
    Rivalry,
    finding,
    rivalry,
    tested_for_names,
)
from irislib.report.verdict.degree import Degree, degree
from irislib.report.verdict.phrases import Block, Phrase, Statement, of_codes, say
from irislib.report.wording import many, number, percent, percent_range

ELSEWHERE = "the same places at the same times in other episodes"


@dataclass(frozen=True)
class Evidence:
    """What the answer rests on.

    Attributes:
        look_up: a number of the metrics, or of the evaluation of the agent, by its key.
        codes: codes.csv, with the code as index.
        labels: labels.csv.
        baselines: baselines.csv.
    """

    look_up: Look
    codes: pd.DataFrame
    labels: pd.DataFrame
    baselines: pd.DataFrame

    @property
    def names(self) -> Finding:
        """Codes that show more of one label than other episodes do."""
        return finding(self.look_up, NAMES)

    @property
    def consistency(self) -> Finding:
        """Codes whose crops are alike."""
        return finding(self.look_up, CONSISTENCY)

    @property
    def tested_for_names(self) -> int:
        """How many codes could be tested with a label."""
        return tested_for_names(self.labels)

    @property
    def named(self) -> dict[str, list[int]]:
        """The codes with each name, most frequent name first."""
        named = self.codes["name"].dropna()
        found = {str(name): [int(code) for code in rows.index] for name, rows in named.groupby(named)}
        return dict(sorted(found.items(), key=lambda one: (-len(one[1]), one[0])))

    @property
    def commonest(self) -> str | None:
        """The label that most maps lie on; None without maps."""
        counts = self.labels.groupby("label")["count"].sum()
        return str(counts.idxmax()) if len(counts) else None


def overall(evidence: Evidence) -> Degree:
    """How far the codes mean something, by whichever of the two tests more codes pass."""

    def rival(key: str) -> Rivalry | None:
        return rivalry(evidence.baselines, key)

    consistency = evidence.consistency
    return max(
        degree(evidence.names, evidence.tested_for_names, rival(NAMES.key)),
        degree(consistency, consistency.tested or 0, rival(CONSISTENCY.key)),
    )


def result(evidence: Evidence) -> Block:
    """The answer in a word, and the two counts that it follows from."""
    return Block(f"{overall(evidence).words}.", [_names(evidence), _consistent(evidence)])


def _names(evidence: Evidence) -> Statement:
    tested, found = evidence.tested_for_names, evidence.names
    if not tested:
        return say("No code could be tested for what it shows.")
    codes = [code for each in evidence.named.values() for code in each]
    shows = "show" if len(codes) > 1 else "shows"
    head = say(
        _counted(codes, tested),
        f" ({_share(found, len(codes), tested)}) {shows} more of one thing than {ELSEWHERE}.",
    )
    return (*head, *(_which(evidence) if codes else ()))


def _counted(codes: list[int], tested: float) -> Phrase:
    """How many of the tested codes, as a link to them."""
    of = f"of {many(tested, 'tested code')}"
    return of_codes(f"{number(len(codes))} {of}", codes) if codes else Phrase(f"None {of}")


def _share(found: Finding, listed_codes: int, tested: float) -> str:
    """The share of the tested codes that is listed, and the range of the share that is confirmed."""
    ends = (found.confirmed.low / tested, found.confirmed.high / tested)
    return f"{percent(listed_codes / tested)}, range {percent_range(ends)}"


def _which(evidence: Evidence) -> Statement:
    """What the codes with a name show, and whether that is more than the most frequent label."""
    named, commonest = evidence.named, evidence.commonest
    total = sum(map(len, named.values()))
    if list(named) == [commonest]:
        who = {1: "It shows", 2: "Both show"}.get(total, f"All {number(total)} show")
        return say(f" {who} {commonest}, the most frequent label; no code shows a rarer thing.")
    parts: list[str | Phrase] = []
    for i, (label, codes) in enumerate(named.items()):
        parts += [" " if i == 0 else " and " if i == len(named) - 1 else ", "]
        parts += [of_codes(number(len(codes)), codes), f" {'shows' if len(codes) == 1 else 'show'} {label}"]
    common = commonest in named or commonest is None
    rare = "" if common else f"; none shows {commonest}, the most frequent label"
    return say(*parts, f"{rare}.")


def _consistent(evidence: Evidence) -> Statement:
    found = evidence.consistency
    if not found.tested:
        return say("No code could be tested for whether its pictures are alike.")
    codes = [int(code) for code in evidence.codes.index[evidence.codes["consistent"]]]
    marks = "mark" if len(codes) > 1 else "marks"
    return say(
        _counted(codes, found.tested),
        f" ({_share(found, len(codes), found.tested)}) {marks} parts of the frames that look more alike than "
        f"{ELSEWHERE}.",
    )
