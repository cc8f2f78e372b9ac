"""Figure: pairs of codes that occur together more often than time explains (protocol step 8)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from irislib.report.findings import PAIRS, SETS, finding
from irislib.report.inputs import Inputs
from irislib.report.style import (
    BLUE,
    INK,
    ORANGE,
    PALE,
    PAPER,
    Choice,
    Illustration,
    mark,
    new_figure,
    nothing_to_show,
)
from irislib.report.wording import many, number, percent, sentence, some_of

CODES = 20  # rows and columns of the matrix
HEADING = "Pairs of codes"


def cooccurrence(inputs: Inputs) -> Illustration:
    """Matrix of the codes that are in most pairs; meaningful pairs are marked."""
    found = finding(inputs.metric, PAIRS)
    if len(inputs.pairs) == 0:
        reason = "There is no pair of consistent codes that occurs together often enough to be tested."
        return nothing_to_show("cooccurrence", HEADING, "No pair of codes could be tested", reason)
    title = (
        f"{sentence(some_of(found.holds, found.tested, 'tested pair'))} of consistent codes are meaningful"
    )
    ratio, meaningful = _matrix(inputs.pairs)
    figure = new_figure(1.5 + 0.2 * len(ratio), title)
    axes = figure.subplots()
    choices = _draw(axes, ratio, meaningful)
    figure.legend(loc="outside lower center", ncols=3)
    names = {str(code): inputs.name_of(int(code)) for code in ratio.index}
    return Illustration("cooccurrence", HEADING, _caption(inputs), figure, _note(inputs), names, choices)


def _draw(axes: Axes, ratio: pd.DataFrame, meaningful: pd.DataFrame) -> dict[str, Choice]:
    """A square for each pair, the larger the further from what is expected: filled if more often."""
    reach = float(np.nan_to_num(ratio.abs().to_numpy()).max()) or 1.0
    codes, choices = [int(code) for code in ratio.index], {}
    for row, one in enumerate(codes):
        for column, other in enumerate(codes):
            value = ratio.iloc[row, column]
            if np.isnan(value):
                continue
            side = 0.12 + 0.76 * float(np.sqrt(abs(value) / reach))
            square = Rectangle((column - side / 2, row - side / 2), side, side, lw=1, clip_on=False)
            more = value >= 0
            square.set(facecolor=BLUE if more else PAPER, edgecolor=BLUE if more else ORANGE)
            key = f"pair{min(one, other)}-{max(one, other)}"
            pair = tuple(sorted((one, other)))
            choices[key] = Choice(pair, f"the pair {pair[0]} and {pair[1]}, in the matrix of pairs")
            mark(axes.add_patch(square), "choice", [key])
    rows, columns = np.nonzero(meaningful.eq(True).to_numpy())
    if len(rows):
        axes.scatter(
            columns, rows, s=11, color=INK, edgecolor=PAPER, lw=0.5, zorder=4, label="meaningful pair"
        )
    for colour, face, text in ((BLUE, BLUE, "more often"), (ORANGE, PAPER, "less often")):
        look: dict[str, Any] = {"marker": "s", "s": 30, "facecolor": face, "edgecolor": colour}
        axes.scatter([], [], label=f"{text} together than expected", **look)
    axes.set(xlim=(-0.5, len(codes) - 0.5), ylim=(len(codes) - 0.5, -0.5), aspect="equal")
    for line in range(len(codes)):
        axes.axhline(line + 0.5, color=PALE, lw=0.4, zorder=0)
        axes.axvline(line + 0.5, color=PALE, lw=0.4, zorder=0)
    axes.set_title(
        f"the {many(len(ratio), 'consistent code')} in most pairs; no square: too seldom together\n"
        f"largest square: {number(2**reach)} times as often, or as seldom, as expected"
    )
    axes.set_xticks(range(len(codes)), map(str, codes), rotation=90)
    axes.set_yticks(range(len(codes)), map(str, codes))
    axes.set(xlabel="code", ylabel="code")
    axes.tick_params(length=0)
    for label, code in zip([*axes.get_xticklabels(), *axes.get_yticklabels()], [*codes, *codes], strict=True):
        mark(label, "code", [code])
    return choices


def _matrix(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Log ratio to what is expected, and whether the pair is meaningful: [code, code], in order of use."""
    # Half an observation more, so that a pair that is never expected has a ratio.
    pairs = pairs.assign(ratio=np.log2((pairs["count"] + 0.5) / (pairs["expected"] + 0.5)))
    both = pd.concat([pairs, pairs.rename(columns={"code_a": "code_b", "code_b": "code_a"})])
    total = both.groupby("code_a")["count"].sum().sort_values(ascending=False, kind="stable")
    top = list(total.index[:CODES])
    both = both[both["code_a"].isin(top) & both["code_b"].isin(top)]
    square = both.pivot(index="code_a", columns="code_b", values=["ratio", "meaningful"])
    ratio, meaningful = (square[name].reindex(index=top, columns=top) for name in ("ratio", "meaningful"))
    return ratio.astype(float), meaningful


def _caption(inputs: Inputs) -> str:
    found = finding(inputs.metric, PAIRS)
    caption = (
        f"Of {many(found.tested, 'pair')} of consistent codes {number(found.selected)} are selected on one "
        f"half of the episodes, and {found.confirmed.shown} of these are confirmed on the other; by chance "
        f"{number(found.chance)}"
    )
    if found.holds:
        covered = percent(inputs.metric("pairs.covered"))
        caption += f". Most divisions confirm {number(found.holds)}; they cover {covered} of the observations"
    return f"{caption}."


def _note(inputs: Inputs) -> str:
    found = finding(inputs.metric, SETS)
    cover = (
        f", and they cover {percent(inputs.metric('sets.covered'))} of the observations"
        if found.holds
        else ""
    )
    return (
        "“Expected” is the number of observations in which both codes would occur if the second one occurred "
        "when it does in other episodes, at the same step and in the same part of the day. Only consistent "
        "codes are paired, because only these can mean something together. Among sets of three or more "
        f"consistent codes {some_of(found.holds, found.tested, 'tested set')} passed the same test{cover}."
    )
