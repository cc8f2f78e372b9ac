"""Figure: pairs of codes that occur together more often than time explains (protocol step 8)."""

import numpy as np
import pandas as pd
import seaborn as sns

from irislib.report.findings import PAIRS, SETS, finding
from irislib.report.inputs import Inputs
from irislib.report.style import INK, PALE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import many, number, percent, some_of

CODES = 24  # rows and columns of the matrix
HEADING = "Pairs of codes"


def cooccurrence(inputs: Inputs) -> Illustration:
    """Matrix of the codes that are in most pairs; meaningful pairs are marked."""
    found = finding(inputs.metric, PAIRS)
    title = f"{some_of(found.holds, found.tested, 'tested pair')} of consistent codes are meaningful"
    if len(inputs.pairs) == 0:
        reason = "There is no pair of consistent codes that occurs together often enough to be tested."
        return nothing_to_show("cooccurrence", HEADING, "No pair of codes could be tested", reason)
    ratio, meaningful = _matrix(inputs.pairs)
    reach = float(np.nan_to_num(ratio.abs().to_numpy()).max()) or 1.0
    figure = new_figure(7.4, 6.8, title)
    axes = figure.subplots()
    axes.set_facecolor(PALE)
    sns.heatmap(
        ratio,
        ax=axes,
        cmap="vlag",
        center=0,
        vmin=-reach,
        vmax=reach,
        square=True,
        linewidths=0.5,
        xticklabels=True,
        yticklabels=True,
        cbar_kws={"label": "log2 (observations / expected ones)", "shrink": 0.7},
    )
    axes.set_title(f"the {many(len(ratio), 'consistent code')} in most pairs; grey: too seldom together")
    axes.set(xlabel="code", ylabel="code")
    axes.tick_params(length=0, labelsize=7.5, labelrotation=0)
    axes.tick_params(axis="x", labelrotation=90)
    rows, columns = np.nonzero(meaningful.eq(True).to_numpy())
    if len(rows):
        axes.scatter(columns + 0.5, rows + 0.5, s=14, color=INK, label="meaningful pair")
        figure.legend(loc="outside lower center")
    return Illustration("cooccurrence", HEADING, _caption(inputs), figure, _note(inputs))


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
