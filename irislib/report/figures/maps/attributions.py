"""Figure: Grad-CAM beside other attribution methods."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from irislib.report.figures.maps.sensitivity import MASKINGS
from irislib.report.inputs import Inputs
from irislib.report.style import INK, Illustration, new_figure, nothing_to_show
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
# Column, column of its standard error, axis label, value of a method that knows nothing.
_PANELS = (
    ("present_occurrences", None, "empty maps", None),
    ("right_sign", None, "maps with the sign of\nthe code's effect", 0.5),
    ("latents", "latents_error", "insertion minus deletion\n(unit of the score)", 0.0),
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
    figure = new_figure(8.4, 3.6, title)
    columns = figure.subplots(1, 3, sharey=True)
    for axes, panel in zip(columns, _PANELS, strict=True):
        _draw_panel(axes, table.set_index(["method", "masking"]), methods, *panel)
    columns[0].set_yticks(range(len(methods)), [_METHODS[method] for method in methods])
    columns[0].invert_yaxis()
    handles, labels = columns[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return Illustration("attributions", HEADING, _caption(table, own), figure, _note(own))


def _draw_panel(
    axes: Axes,
    table: pd.DataFrame,
    methods: list[str],
    column: str,
    error: str | None,
    label: str,
    chance: float | None,
) -> None:
    for offset, (masking, (name, colour)) in zip((-0.18, 0.18), MASKINGS.items(), strict=True):
        if masking not in table.index.get_level_values("masking"):
            continue
        shown = table.xs(masking, level="masking").reindex(methods)
        spread = None if error is None else shown[error]
        if column == "present_occurrences" and "low" in shown:
            ends = np.stack([shown[column] - shown["low"], shown["high"] - shown[column]])
            spread = ends.clip(min=0)
        axes.barh(
            np.arange(len(methods)) + offset,
            shown[column],
            xerr=spread,
            height=0.34,
            color=colour,
            error_kw={"ecolor": INK, "elinewidth": 1.2},
            label=name,
        )
    if chance is not None:
        axes.axvline(chance, color=INK, lw=1, ls="--", label="as good as guessing")
    if error is None:
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel(label)
    axes.tick_params(axis="y", length=0)


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
        "standard errors over episodes. A change of the frame has no sign. All other maps are taken at the "
        "code input."
    )
