"""The verdict: three short blocks, for the page and for the README."""

from collections.abc import Sequence

import pandas as pd

from irislib.report.study.results import StudyResults
from irislib.report.study.worlds import Effect
from irislib.report.verdict.limits import Subject, about_baselines, limits
from irislib.report.verdict.outlook import outlook
from irislib.report.verdict.phrases import Block, plain
from irislib.report.verdict.result import Evidence, result

HOW = (
    "How a code counts: the episodes are divided at random into two halves, 100 times. One half selects the "
    "code, and the other half must confirm it, in more than half of the divisions. The range holds 95% of "
    "the divisions."
)


def verdict(
    evidence: Evidence,
    power: pd.DataFrame,
    attributions: pd.DataFrame,
    study: StudyResults,
    elsewhere: Sequence[Effect],
    subject: Subject,
) -> list[Block]:
    """The answer, what limits it, and what would change it.

    Args:
        evidence: what the answer rests on.
        power: power.csv.
        attributions: attributions.csv.
        study: study.csv.
        elsewhere: what the study found in other worlds too; see `effects`.
        subject: whose play and whose codes are analysed.

    Raises:
        ArtifactError: a number is missing.
    """
    return [
        result(evidence),
        Block("What limits this answer", limits(evidence, power, attributions, subject)),
        Block("What would change it", outlook(study, elsewhere)),
    ]


def in_lines(evidence: Evidence, study: StudyResults) -> list[str]:
    """The answer, the best baseline, and the best change, as plain text for the README."""
    answer = result(evidence)
    lines = [" ".join([answer.heading, *map(plain, answer.statements)])]
    lines += [plain(one) for one in about_baselines(evidence.baselines)]
    return [*lines, " ".join(plain(one) for one in outlook(study, [])[:2])]
