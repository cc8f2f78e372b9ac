"""Figure: pointwise mutual information of codes that occur together (protocol step 8)."""

import numpy as np
import pandas as pd
import seaborn as sns

from irislib.report.inputs import Inputs
from irislib.report.style import INK, PALE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import many

CODES = 24  # rows and columns of the matrix
HEADING = "Pairs of codes"


def cooccurrence(inputs: Inputs) -> Illustration:
    """Matrix of the codes that are in most pairs; meaningful pairs are marked."""
    title = inputs.say(
        "{cooccurrence.pairs_meaningful:of cooccurrence.pairs_tested frequent pair} of codes passed as "
        "meaningful"
    )
    if len(inputs.pairs) == 0:
        reason = "There is no frequent pair: no two codes have non-empty maps in enough common observations."
        return nothing_to_show("cooccurrence", HEADING, title, reason)
    pmi, meaningful = _matrix(inputs.pairs)
    reach = float(np.nan_to_num(pmi.abs().to_numpy()).max()) or 1.0
    figure = new_figure(7.4, 6.8, title)
    axes = figure.subplots()
    axes.set_facecolor(PALE)
    sns.heatmap(
        pmi,
        ax=axes,
        cmap="vlag",
        center=0,
        vmin=-reach,
        vmax=reach,
        square=True,
        linewidths=0.5,
        xticklabels=True,
        yticklabels=True,
        cbar_kws={"label": "pointwise mutual information (bits)", "shrink": 0.7},
    )
    axes.set_title(f"the {many(len(pmi), 'code')} in most pairs; grey: not a frequent pair")
    axes.set(xlabel="code", ylabel="code")
    axes.tick_params(length=0, labelsize=7.5, labelrotation=0)
    axes.tick_params(axis="x", labelrotation=90)
    rows, columns = np.nonzero(meaningful.eq(True).to_numpy())
    if len(rows):
        axes.scatter(columns + 0.5, rows + 0.5, s=14, color=INK, label="meaningful pair")
        figure.legend(loc="outside lower center")
    return Illustration("cooccurrence", HEADING, _caption(inputs), figure, _note(inputs))


def _matrix(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """PMI and whether the pair is meaningful, both [code, code], the codes in most pairs first."""
    both = pd.concat([pairs, pairs.rename(columns={"code_a": "code_b", "code_b": "code_a"})])
    total = both.groupby("code_a")["count"].sum().sort_values(ascending=False, kind="stable")
    top = list(total.index[:CODES])
    both = both[both["code_a"].isin(top) & both["code_b"].isin(top)]
    square = both.pivot(index="code_a", columns="code_b", values=["pmi", "meaningful"])
    pmi, meaningful = (square[name].reindex(index=top, columns=top) for name in ("pmi", "meaningful"))
    return pmi.astype(float), meaningful


def _caption(inputs: Inputs) -> str:
    caption = (
        "{cooccurrence.pairs_seen:pair} of codes have non-empty maps in the same observation at least once; "
        "{cooccurrence.pairs_tested} of them are frequent. "
        "{cooccurrence.pairs_meaningful:of cooccurrence.pairs_tested frequent pair} passed as meaningful: "
        "both codes are consistent, and they occur together significantly more often than by chance"
    )
    if inputs.metric("cooccurrence.pairs_meaningful"):
        caption += ". They cover {cooccurrence.observations_covered_meaningful:%} of the observations"
    return inputs.say(f"{caption}.")


def _note(inputs: Inputs) -> str:
    cover = (
        ", and they cover {cooccurrence.observations_covered_by_sets:%} of the observations"
        if inputs.metric("cooccurrence.sets_meaningful")
        else ""
    )
    return inputs.say(
        "“By chance” means: as often as two independent codes would occur together that stay as long as "
        "these two do. A meaningful pair must also occur in at least two episodes. Among sets of three or "
        "more codes, {cooccurrence.sets_meaningful:of cooccurrence.sets_tested frequent set} passed the same "
        f"test{cover}. There is a second definition, which is closer to the paper: a pair is interpretable "
        "if the crops of both codes in common observations are consistent. "
        "{cooccurrence.pairs_judged:of cooccurrence.pairs_tested pair} have enough crops for this; "
        "{cooccurrence.pairs_interpretable:of cooccurrence.pairs_judged such pair} passed as interpretable."
    )
