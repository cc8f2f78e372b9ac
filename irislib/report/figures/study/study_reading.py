"""Figure: how many codes must be read to know a label."""

import numpy as np
from matplotlib.ticker import PercentFormatter

from irislib.report.figures.study.study_meaning import NOTHING
from irislib.report.inputs import Inputs
from irislib.report.study.results import StudyResults
from irislib.report.style import BLUE, GREY, INK, ORANGE, PALETTE, Illustration, new_figure, nothing_to_show

HEADING = "How many codes must be read to know a label?"
SIZES = (1, 2, 4, 8)
COLOURS = dict(zip(SIZES, (INK, BLUE, PALETTE[2], ORANGE), strict=True))


def study_reading(inputs: Inputs) -> Illustration:
    """The share of tokens whose label is known from sets of up to 1, 2, 4 and 8 codes, for each arm."""
    return draw(inputs.study)


def draw(results: StudyResults) -> Illustration:
    """The same from the table study.csv."""
    if not results:
        return nothing_to_show(
            "study_reading",
            HEADING,
            "The study was not run: how many codes must be read is not known",
            NOTHING,
        )
    arms = results.arms
    figure = new_figure(7.5, 1.5 + 0.21 * len(arms), HEADING)
    axes = figure.subplots()
    at = np.arange(len(arms))
    ends = [[results.mean(arm, f"reading_coverage.{size}").value for arm in arms] for size in SIZES]
    axes.hlines(at, ends[0], ends[-1], color=GREY, lw=1)
    for size, values in zip(SIZES, ends, strict=True):
        axes.plot(values, at, "o", color=COLOURS[size], ms=4.5, label=f"{size}")
    axes.set_yticks(at, arms)
    axes.invert_yaxis()
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("tokens whose label is read with an F1 of at least 0.9")
    axes.legend(title="most codes in a set", loc="center left", bbox_to_anchor=(1.0, 0.5))
    caption = (
        "For each label, a set of up to 1, 2, 4 or 8 codes was chosen on half of the episodes, and “one "
        "of these codes stands here” was judged on the other half. The label counts as read if the F1 of "
        "that is at least 0.9. The figure shows the share of the tokens that have such a label, averaged "
        "over seeds."
    )
    return Illustration("study_reading", HEADING, caption, figure)
