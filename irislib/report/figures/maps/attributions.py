"""Figure: Grad-CAM beside other attribution methods."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from irislib.report.figures.maps.sensitivity import MASKINGS
from irislib.report.inputs import Inputs
from irislib.report.intervals import wilson
from irislib.report.style import INK, PALE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import many, percent, percent_range

HEADING = "Grad-CAM beside other attribution methods"
_METHODS = {
    "gradcam": "Grad-CAM",
    "hirescam": "HiResCAM",
    "integrated_gradients": "integrated gradients",
    "gradient_shap": "gradient SHAP",
    "occlusion": "occlusion",
    "change": "change of the frame",
}
SHAPES = {"before": "o", "after": "s"}
# Column, axis label, value of a method that knows nothing.
_PANELS = (
    ("present_occurrences", "empty maps", None),
    ("right_sign", "maps with the sign\nof the code's effect", 0.5),
    ("latents", "insertion minus\ndeletion (score)", 0.0),
)


def attributions(inputs: Inputs) -> Illustration:
    """How many maps of each method are empty, and how faithful the maps are."""
    return draw(inputs.attributions)


def draw(table: pd.DataFrame) -> Illustration:
    """The same from the table attributions.csv."""
    gradcam = table[(table["method"] == "gradcam") & (table["masking"] == "before")]
    if len(gradcam) == 0:
        reason = "No code was attributed, so the methods cannot be compared."
        return nothing_to_show("attributions", HEADING, HEADING, reason)
    own = gradcam.iloc[0]
    title = (
        f"The sign of Grad-CAM agrees with the effect of the code in {percent(own['right_sign'])} of the maps"
    )
    methods = [method for method in _METHODS if method in set(table["method"])]
    figure = new_figure(1.6 + 0.28 * len(methods), title)
    columns = figure.subplots(1, 3, sharey=True)
    for axes, panel in zip(columns, _PANELS, strict=True):
        _draw_panel(axes, table.set_index(["method", "masking"]), methods, *panel)
    columns[0].set_yticks(range(len(methods)), [_METHODS[method] for method in methods])
    columns[0].set_ylim(len(methods) - 0.5, -0.5)
    handles, labels = columns[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return Illustration("attributions", HEADING, _caption(table, own), figure, _note(own))


def _draw_panel(
    axes: Axes, table: pd.DataFrame, methods: list[str], column: str, label: str, chance: float | None
) -> None:
    at = np.arange(len(methods))
    for offset, (masking, (name, colour)) in zip((-0.16, 0.16), MASKINGS.items(), strict=True):
        if masking not in table.index.get_level_values("masking"):
            continue
        shown = table.xs(masking, level="masking").reindex(methods)
        low, high = _interval(shown, column)
        axes.hlines(at + offset, low, high, color=INK, lw=1)
        look: dict[str, Any] = {"s": 18, "marker": SHAPES[masking], "color": colour, "lw": 0, "zorder": 3}
        axes.scatter(shown[column], at + offset, label=name, **look)
    for row in at[:-1]:
        axes.axhline(row + 0.5, color=PALE, lw=0.6, zorder=0)
    if chance is not None:
        axes.axvline(chance, color=INK, lw=1, ls="--", label="as good as guessing")
    if column == "latents":
        axes.xaxis.set_major_locator(MaxNLocator(3))
    else:
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks([0, 0.5, 1])
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel(label)
    axes.tick_params(axis="y", length=0)


def _interval(shown: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series]:
    """The 95% interval of a column, by method; NaN where it is unknown."""
    value = shown[column]
    if column == "latents":
        error = 1.96 * shown["latents_error"]
        return value - error, value + error
    if column == "present_occurrences":
        unknown = pd.Series(np.nan, shown.index)
        return shown.get("low", unknown), shown.get("high", unknown)
    ends = [
        (np.nan, np.nan) if pd.isna(share) else wilson(round(share * total), int(total))
        for share, total in zip(value, shown["occurrences"], strict=True)
    ]
    return pd.Series([low for low, _ in ends], shown.index), pd.Series(
        [high for _, high in ends], shown.index
    )


def _caption(table: pd.DataFrame, own: pd.Series) -> str:
    caption = (
        f"Of {many(own['occurrences'], 'Grad-CAM map')} {percent(own['present_occurrences'])} are empty, "
        f"and in {percent(own['right_sign'])} the map's sign agrees with the effect of the code"
    )
    others = table[(table["masking"] == "before") & (table["method"] != "gradcam")]
    if len(others) == 0:
        return f"{caption}."
    return (
        f"{caption}. For the other methods {percent_range(others['present_occurrences'])} are empty, and the "
        f"sign agrees in {percent_range(others['right_sign'])} (codes masked before decoding)."
    )


def _note(own: pd.Series) -> str:
    return (
        "The effect of a code is how much the score falls if the code is replaced by a blank. Of the codes "
        f"whose effect is positive, {percent(own['missed'])} have an empty Grad-CAM map. Insertion minus "
        "deletion: the codes of an observation are inserted into a blank, or deleted from the observation, "
        "in the order of their maps; the number is the area between the two curves of the score. Lines are "
        "95% intervals over episodes; for the sign they take each map as independent, and are too short. A "
        "change of the frame has no sign. All other maps are taken at the code input."
    )
