"""The numbers in README.md: lines between two markers, written from the metrics."""

from pathlib import Path

import pandas as pd

from irislib.errors import IrislibError
from irislib.report.findings import (
    CONSISTENCY,
    NAMES,
    Family,
    by_label,
    finding,
    rivalry,
)
from irislib.report.tables import BASELINE_COLUMNS, Numbers, read_metrics, read_table
from irislib.report.verdict import verdict
from irislib.report.wording import number, sentence

BEGIN, END = "<!-- numbers -->\n", "<!-- end of numbers -->\n"


def write_numbers(reports: Path) -> str:
    """The lines as a list in Markdown. Raises ArtifactError if a number or a table is missing."""
    metrics = read_metrics(reports)
    baselines = read_table(reports / "baselines.csv", "baselines", BASELINE_COLUMNS)
    lines = [verdict(metrics.get, baselines)]
    lines += [_family(metrics, baselines, family) for family in (NAMES, CONSISTENCY)]
    return "".join(f"- {sentence(line)}\n" for line in lines)


def _family(metrics: Numbers, baselines: pd.DataFrame, family: Family) -> str:
    """A family's confirmed number with its range, chance, labels, and the best baseline."""
    found = finding(metrics.get, family)
    text = (
        f"{found.confirmed.shown} {family.nouns} {family.phrase}, confirmed on the other half of the "
        f"episodes; by chance {number(found.chance)}"
    )
    if family == NAMES:
        text += f"; {by_label(metrics)}"
    return text + _beside(baselines, family.key)


def _beside(baselines: pd.DataFrame, key: str) -> str:
    """The codes at the tokens' own patches, and the best baseline there."""
    rival = rivalry(baselines, key)
    if rival is None:
        return "."
    return (
        f". At the tokens' own patches: {rival.ours.shown}; the best baseline, {rival.name}: "
        f"{rival.best.shown}."
    )


def renew(text: str, reports: Path) -> str:
    """The README with its numbers renewed.

    Args:
        text: the README, with both markers once.
        reports: folder with metrics.json, details.json and baselines.csv.

    Raises:
        IrislibError: the README lacks a marker.
        ArtifactError: a number or a table is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise IrislibError(f"README.md: has no line {(BEGIN if not begin else END).strip()!r}")
    return f"{before}{BEGIN}{write_numbers(reports)}{END}{after}"
