"""Figure: how many codes must be read to know a label."""

import numpy as np
from matplotlib.ticker import PercentFormatter

from irislib.report.figures.study.study_meaning import NOTHING
from irislib.report.inputs import Inputs
from irislib.report.study.arm_words import arm_name
from irislib.report.study.forest import label_arms
from irislib.report.study.results import StudyResults
from irislib.report.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALETTE,
    Illustration,
    mark,
    new_figure,
    nothing_to_show,
)
from irislib.report.wording import many, number, percent

HEADING = "How many codes must be read to know a label?"
SIZES = (1, 2, 4, 8)
LOOKS = dict(zip(SIZES, ((INK, "o"), (BLUE, "s"), (PALETTE[2], "^"), (ORANGE, "D")), strict=True))


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
    found = {size: [results.mean(arm, f"reading_coverage.{size}") for arm in arms] for size in SIZES}
    value = {size: np.array([one.value for one in found[size]]) for size in SIZES}
    figure = new_figure(1.3 + 0.165 * len(arms), _title(arms, value[SIZES[-1]]))
    axes = figure.subplots()
    at = np.arange(len(arms))
    low, high = (np.array([getattr(one, end) for one in found[SIZES[-1]]]) for end in ("low", "high"))
    axes.hlines(at, value[SIZES[0]], value[SIZES[-1]], color=GREY, lw=0.8)
    # Intervals may leave the range of a share; what lies outside is not drawn.
    axes.hlines(at, low.clip(0, 1), high.clip(0, 1), color=ORANGE, lw=1.8, alpha=0.6)
    for size, (colour, shape) in LOOKS.items():
        known = np.flatnonzero(~np.isnan(value[size]))
        dots = axes.scatter(
            value[size][known], at[known], s=15, marker=shape, color=colour, lw=0, zorder=3, label=f"{size}"
        )
        mark(dots, "arm", [arms[row] for row in known])
    label_arms(axes, results)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("tokens whose label is read with an F1 of at least 0.9")
    figure.legend(title="most codes in a set", loc="outside lower center", ncols=4)
    axes.tick_params(axis="y", length=0)
    caption = (
        "For each label, a set of up to 1, 2, 4 or 8 codes was chosen on half of the episodes. The other "
        "half says how well “one of these codes stands here” tells the label: it counts as read if the F1 is "
        "at least 0.9. The figure shows the share of the tokens that have such a label, averaged over seeds; "
        "the broad line is the 95% interval for the largest sets."
    )
    names = {}
    for row, arm in enumerate(arms):
        shares = [f"{percent(value[size][row])} with {number(size)}" for size in SIZES]
        names[arm] = f"{arm_name(arm)}: tokens read with so many codes: {', '.join(shares)}"
    return Illustration("study_reading", HEADING, caption, figure, names=names)


def _title(arms: list[str], most: np.ndarray) -> str:
    none, known = int((most == 0).sum()), int((~np.isnan(most)).sum())
    if not known:
        return HEADING
    best = int(np.nanargmax(most))
    return (
        f"In {number(none)} of {many(known, 'arm')} not even {number(SIZES[-1])} codes tell any label; those "
        f"of the best arm do for {percent(float(most[best]))} of the tokens: {arm_name(arms[best])}"
    )
