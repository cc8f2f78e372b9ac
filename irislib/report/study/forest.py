"""A panel with one line for each arm: the mean over the seeds and its 95% interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from irislib.report.study.results import StudyResults
from irislib.report.style import BLUE, GREY, INK, PALE, new_figure


@dataclass(frozen=True)
class Panel:
    """What a panel shows.

    Attributes:
        measure: a measure of study.csv.
        label: of the axis.
        chance: measure that is drawn beside it as a grey line: what chance or place gives.
        share: whether the measure is a share.
    """

    measure: str
    label: str
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
    figure = new_figure(2.1 + 1.9 * len(panels), 1.3 + 0.21 * len(arms), title)
    columns = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(columns, panels, strict=True):
        _draw(axes, results, arms, panel)
    columns[0].set_yticks(range(len(arms)), arms)
    columns[0].invert_yaxis()
    return figure


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
    axes.plot(value, at, "o", color=BLUE, ms=4)
    groups = [results.varies(arm) for arm in arms]
    for row in range(1, len(arms)):
        if groups[row] != groups[row - 1]:
            axes.axhline(row - 0.5, color=PALE, lw=0.8, zorder=0)
    axes.set_xlabel(panel.label)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(arms) - 0.4)
    if panel.share:
        # Intervals may leave the range of a share; what lies outside is not drawn.
        axes.set_xlim(min(0, np.nanmin([*value, 0])) - 0.02, 1.02)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
