"""The numbers in README.md: lines between two markers, written from the tables."""

from pathlib import Path

from irislib.errors import IrislibError
from irislib.report.study.results import STUDY_COLUMNS, StudyResults
from irislib.report.tables import (
    BASELINE_COLUMNS,
    CODE_COLUMNS,
    LABEL_COLUMNS,
    read_metrics,
    read_optional,
    read_table,
    with_flags,
)
from irislib.report.verdict.result import Evidence
from irislib.report.verdict.verdict import in_lines

BEGIN, END = "<!-- numbers -->\n", "<!-- end of numbers -->\n"


def write_numbers(reports: Path) -> str:
    """The verdict as a list in Markdown. Raises ArtifactError if a number or a table is missing."""
    codes = read_table(reports / "codes.csv", "metrics", CODE_COLUMNS)
    evidence = Evidence(
        read_metrics(reports).get,
        with_flags(codes, "consistent").set_index("code").sort_index(),
        read_table(reports / "labels.csv", "metrics", LABEL_COLUMNS),
        read_table(reports / "baselines.csv", "baselines", BASELINE_COLUMNS),
    )
    study = StudyResults(read_optional(reports / "study.csv", "study", STUDY_COLUMNS))
    return "".join(f"- {line}\n" for line in in_lines(evidence, study))


def renew(text: str, reports: Path) -> str:
    """The README with its numbers renewed.

    Args:
        text: the README, with both markers once.
        reports: folder with metrics.json, details.json and the tables.

    Raises:
        IrislibError: the README lacks a marker.
        ArtifactError: a number or a table is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise IrislibError(f"README.md: has no line {(BEGIN if not begin else END).strip()!r}")
    return f"{before}{BEGIN}{write_numbers(reports)}{END}{after}"
