"""Figure: the simulator's labels under the maps of the codes that show each label best (protocol step 9)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from irislib.report.findings import by_label, tested_for_names
from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, GREY, INK, Choice, Illustration, mark, new_figure, nothing_to_show
from irislib.report.wording import listed, many, percent, sentence, some_of

BEST = 4  # codes that are shown for each label
ENOUGH = 20  # maps of a code, so that its share of a label is more than luck
HEADING = "Which labels are under the maps of a code?"
DARKEST = 0.6  # opacity of a share of 100%, so that its number stays legible


def code_label(inputs: Inputs) -> Illustration:
    """Matrix: for each label the codes that show most of it, and the share of each label in their maps."""
    labels = inputs.labels
    if len(labels) == 0:
        reason = "No code has a map while the world is visible, so no map has a label."
        return nothing_to_show("code_label", HEADING, "No map has a label", reason)
    shares = _matrix(labels)
    groups = _best(shares, labels, inputs.codes["name"])
    rows = [(code, label) for label, codes in groups.items() for code in codes]
    height = 0.17 * len(rows) + 0.1 * len(groups)
    figure = new_figure(1.25 + height, _title(inputs))
    choices = _draw(figure.subplots(), inputs, shares, groups)
    names = {str(code): _said(inputs, shares, code) for code, _ in rows}
    return Illustration(
        "code_label", HEADING, _caption(inputs, groups), figure, _note(inputs), names, choices
    )


def _matrix(labels: pd.DataFrame) -> pd.DataFrame:
    """Shares [code, label]; the most frequent label first."""
    columns = labels.groupby("label")["count"].sum().sort_values(ascending=False, kind="stable").index
    return labels.pivot(index="code", columns="label", values="share").reindex(columns=columns).fillna(0.0)


def _best(shares: pd.DataFrame, labels: pd.DataFrame, names: pd.Series) -> dict[str, list[int]]:
    """For each label that is under some map, the codes with this name, then those with the largest share.

    No code is in two groups.
    """
    maps = labels.groupby("code")["count"].sum()
    often = [code for code in shares.index if maps[code] >= ENOUGH] or list(shares.index)
    taken: set[int] = set()
    groups = {}
    # Rare labels choose first: they have the fewest codes to choose from.
    for label in reversed(shares.columns):
        free = [code for code in often if code not in taken and shares.loc[code, label] > 0]
        best = sorted(free, key=lambda code: (names.get(code) != label, -shares.loc[code, label]))[:BEST]
        if best:
            groups[str(label)] = [int(code) for code in best]
            taken.update(groups[str(label)])
    return {str(label): groups[str(label)] for label in shares.columns if str(label) in groups}


def _draw(
    axes: Axes, inputs: Inputs, shares: pd.DataFrame, groups: dict[str, list[int]]
) -> dict[str, Choice]:
    columns = [str(label) for label in groups]
    at, ticks, numbers, bounds = 0.0, [], [], []
    for label, codes in groups.items():
        bounds.append((at, label))
        for code in codes:
            _draw_row(axes, inputs, code, shares.loc[code, columns], at)
            ticks.append(at + 0.5)
            numbers.append(code)
            at += 1
        at += 0.6
    axes.set(xlim=(0, len(columns)), ylim=(at - 0.6, 0), xlabel="simulator's label under the map")
    axes.set_yticks(ticks, [str(code) for code in numbers])
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axes.xaxis.set_ticks_position("top")
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for text, code in zip(axes.get_yticklabels(), numbers, strict=True):
        mark(text, "code", [code])
    for begin, label in bounds:
        place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center"}
        axes.text(-0.105, begin + len(groups[label]) / 2, f"best for\n{label}", **place)
    choices = {}
    for nth, (text, label) in enumerate(zip(axes.get_xticklabels(), columns, strict=True)):
        choices[f"label{nth}"] = _choice(shares, label)
        mark(text, "choice", [f"label{nth}"])
    return choices


def _draw_row(axes: Axes, inputs: Inputs, code: int, shares: pd.Series, at: float) -> None:
    name = inputs.codes["name"].get(code)
    for nth, (label, share) in enumerate(shares.items()):
        named = name == label
        cell = Rectangle((nth + 0.04, at + 0.05), 0.92, 0.9, lw=1.6 if named else 0.3, clip_on=False)
        cell.set(facecolor=(*BLUE[:3], DARKEST * share), edgecolor=INK if named else GREY)
        mark(axes.add_patch(cell), "code", [code], part=True)
        if share:
            text = f"{100 * share:.0f}" if share >= 0.005 else "<1"
            weight = "bold" if named else "normal"
            axes.text(nth + 0.5, at + 0.5, text, ha="center", va="center_baseline", weight=weight, fontsize=7)


def _choice(shares: pd.DataFrame, label: str) -> Choice:
    """The codes that show mostly this label; where there are none, those that show it at all."""
    mostly = shares.index[shares.idxmax(axis=1) == label]
    if len(mostly):
        return Choice(tuple(map(int, mostly)), f"mostly {label}, in the label matrix")
    return Choice(tuple(map(int, shares.index[shares[label] > 0])), f"{label} at all, in the label matrix")


def _said(inputs: Inputs, shares: pd.DataFrame, code: int) -> str:
    row = shares.loc[code].sort_values(ascending=False, kind="stable")
    parts = [f"{label} {percent(share)}" for label, share in row.items() if share]
    return f"{inputs.name_of(code)}: {', '.join(parts)}"


def _title(inputs: Inputs) -> str:
    named = inputs.codes["name"].dropna()
    tested = tested_for_names(inputs.labels)
    found = sentence(some_of(len(named), tested, "tested code"))
    found += " has a name" if len(named) == 1 else " have a name"
    labels = sorted(set(named))
    if len(labels) == 1:
        return f"{found}{', both' if len(named) == 2 else ', all' if len(named) > 2 else ':'} {labels[0]}"
    return f"{found}: {listed(labels)}" if 1 < len(labels) < 5 else found


def _caption(inputs: Inputs, groups: dict[str, list[int]]) -> str:
    never = [one for one in inputs.rollouts.attrs["label_names"] if one not in groups]
    missing = f" No map has the label {', '.join(never[:-1])} or {never[-1]}." if len(never) > 1 else ""
    return inputs.say(
        f"Each number is the per cent of a code's maps that have the label above it. For each label up to "
        f"{BEST} codes are shown: those that have it as a name (bold frame), then those with the largest "
        f"share of it, among codes with at least {ENOUGH} maps.{missing} Counting maps on the display too, "
        "the normalised mutual information of code and label is {agreement.nmi} (shuffled labels: "
        "{agreement.nmi_null}; same places in other episodes: {agreement.nmi_place})."
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
