"""A panel with one line for each arm: the mean over the seeds and its 95% interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from irislib.report.plain_names import measure_name
from irislib.report.study.arm_words import arm_name
from irislib.report.study.results import StudyResults
from irislib.report.style import BLUE, GREY, INK, PALE, mark, new_figure
from irislib.report.wording import number, percent


@dataclass(frozen=True)
class Panel:
    """What a panel shows.

    Attributes:
        measure: a measure of study.csv.
        chance: measure that is drawn beside it as a grey line: what chance or place gives.
        share: whether the measure is a share.
    """

    measure: str
    chance: str = ""
    share: bool = True


def draw_forest(results: StudyResults, title: str, panels: Sequence[Panel]) -> Figure:
    """A figure of panels side by side; arms that vary the same stand together.

    Args:
        results: with at least one arm.
        title: of the figure.
        panels: from left to right.
    """
    arms = results.arms
    figure = new_figure(1.2 + 0.165 * len(arms), title)
    columns = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(columns, panels, strict=True):
        _draw(axes, results, arms, panel)
        if panel.share:
            axes.set_xticks([0, 0.5, 1] if len(panels) < 5 else [0, 1])
    label_arms(columns[0], results)
    return figure


def label_arms(axes: Axes, results: StudyResults) -> None:
    """The names of the arms along the vertical axis, the first one above."""
    arms = results.arms
    ends = {results.reference: " (reference)"}
    axes.set_yticks(range(len(arms)), [f"{arm_name(arm)}{ends.get(arm, '')}" for arm in arms])
    for label, arm in zip(axes.get_yticklabels(), arms, strict=True):
        mark(label, "arm", [arm], part=True)
    axes.set_ylim(len(arms) - 0.4, -0.6)


def describe_arms(results: StudyResults, panels: Sequence[Panel]) -> dict[str, str]:
    """What the page says of an arm that is pointed at: its name, and its numbers with intervals."""
    said = {}
    for arm in results.arms:
        parts = []
        for panel in panels:
            one = results.mean(arm, panel.measure)
            if one.known:
                show = percent if panel.share else number
                ends = f" ({show(one.low)} to {show(one.high)})" if one.low == one.low else ""
                parts.append(f"{measure_name(panel.measure).replace(chr(10), ' ')} {show(one.value)}{ends}")
        said[arm] = f"{arm_name(arm)} (studies/arms/{arm}.yaml): {'; '.join(parts) or 'not measured'}"
    return said


def _draw(axes: Axes, results: StudyResults, arms: list[str], panel: Panel) -> None:
    found = [results.mean(arm, panel.measure) for arm in arms]
    at = np.arange(len(arms))
    value, low, high = (np.array([getattr(one, end) for one in found]) for end in ("value", "low", "high"))
    reference = results.mean(results.reference, panel.measure)
    axes.axvline(reference.value, color=PALE, lw=1.2, zorder=0)
    if panel.chance:
        chance = [results.mean(arm, panel.chance).value for arm in arms]
        axes.vlines(chance, at - 0.35, at + 0.35, color=GREY, lw=1.6)
    axes.hlines(at, low, high, color=INK, lw=1.1)
    known = np.flatnonzero(~np.isnan(value))
    dots = axes.scatter(value[known], at[known], s=15, color=BLUE, lw=0, zorder=3)
    mark(dots, "arm", [arms[row] for row in known])
    groups = [results.varies(arm) for arm in arms]
    for row in range(1, len(arms)):
        if groups[row] != groups[row - 1]:
            axes.axhline(row - 0.5, color=PALE, lw=0.8, zorder=0)
    axes.set_xlabel(measure_name(panel.measure))
    axes.tick_params(axis="y", length=0)
    if panel.share:
        # Intervals may leave the range of a share; what lies outside is not drawn.
        axes.set_xlim(min(0, np.nanmin([*value, 0])) - 0.04, 1.04)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10], min_n_ticks=1))
