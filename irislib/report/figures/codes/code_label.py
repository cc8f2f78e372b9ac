"""Figure: the simulator's labels under the maps of each code (protocol step 9)."""

import pandas as pd
import seaborn as sns

from irislib.report.findings import by_label
from irislib.report.inputs import Inputs
from irislib.report.style import Illustration, new_figure, nothing_to_show
from irislib.report.wording import many, percent

CODES = 40  # rows of the matrix
HEADING = "Codes against the ground truth"
TITLE = "Which of the simulator's labels lies under the maps of each code"


def code_label(inputs: Inputs) -> Illustration:
    """Matrix: the share of each code's maps whose label is the column's."""
    labels = inputs.labels
    if len(labels) == 0:
        reason = "No code has a map while the world is visible, so no map has a label."
        return nothing_to_show("code_label", HEADING, TITLE, reason)
    frequent = labels.groupby("code")["count"].sum().sort_values(ascending=False, kind="stable")
    shares = _matrix(labels[labels["code"].isin(frequent.index[:CODES])])
    figure = new_figure(7.5, 2.0 + 0.19 * len(shares), TITLE)
    axes = figure.subplots()
    sns.heatmap(
        shares,
        ax=axes,
        cmap="mako_r",
        vmin=0,
        vmax=1,
        xticklabels=True,
        yticklabels=True,
        linewidths=0.3,
        cbar_kws={"label": "share of the code's maps", "aspect": 30},
    )
    every = len(shares) == len(frequent)
    which = (
        "all codes with a non-empty map"
        if every
        else f"{len(shares)} of {len(frequent)} codes, with most maps"
    )
    axes.set_title(f"{which}, sorted by most frequent label")
    axes.set(xlabel="simulator's label", ylabel="code")
    axes.tick_params(length=0, labelsize=8, labelrotation=0)
    axes.tick_params(axis="x", labelrotation=60)
    return Illustration("code_label", HEADING, _caption(inputs), figure, _note(inputs))


def _matrix(labels: pd.DataFrame) -> pd.DataFrame:
    """Shares [code, label]: the most frequent label first, codes grouped by their most frequent label."""
    columns = labels.groupby("label")["count"].sum().sort_values(ascending=False, kind="stable").index
    shares = labels.pivot(index="code", columns="label", values="share").reindex(columns=columns).fillna(0.0)
    order = sorted(shares.index, key=lambda code: (shares.loc[code].argmax(), -shares.loc[code].max(), code))
    return shares.loc[order]


def _caption(inputs: Inputs) -> str:
    return inputs.say(
        "The normalised mutual information of code and label is {agreement.nmi} where frames show the world "
        "(shuffled labels: {agreement.nmi_null}; same places in other episodes: {agreement.nmi_place}). "
        "Without maps on the display it is {world.nmi} ({world.nmi_null}; {world.nmi_place}). "
        "{world.purity:%} of the maps on the world have their code's most frequent label (same places in "
        "other episodes: {world.purity_place:%}; the most frequent label of all: {world.purity_base:%})."
    )


def _note(inputs: Inputs) -> str:
    kinds = inputs.codes["kind"].value_counts()
    world, display = (many(kinds.get(kind, 0), "code") for kind in ("world", "display"))
    note = (
        "The label of a map is the simulator's label on which most of the map's mass lies. The maps of "
        f"{world} lie mostly on the world, those of {display} mostly on the display. A frequent label proves "
        "nothing by itself, because a world can be full of one label, and so can a place. Therefore a code "
        "is named only if it shows more of the label than the same places do at the same times in other "
        f"episodes: {by_label(inputs.metrics)}."
    )
    if inputs.hidden_label:
        hidden = percent(inputs.metric("strata.hidden"))
        note += f" In {hidden} of the observations the frame does not show the world; these are left out."
    return note
