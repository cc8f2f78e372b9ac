"""Figure: how many heatmaps are empty (protocol step 4)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from irislib.report.inputs import Inputs
from irislib.report.published import PAPER_EMPTY_SHARE
from irislib.report.style import BLUE, GREY, INK, ORANGE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import percent

HEADING = "How many maps are empty"
TITLE = "The share of empty maps depends on which maps are counted"
_DENOMINATORS = {
    "present_occurrences": "codes that are in the observation",
    "distinct_maps": "distinct maps",
    "all_codes_all_steps": "all codes in all observations",
    "codes_always_empty": "codes whose maps are all empty,\nof the codebook",
    "used_codes_always_empty": "codes whose maps are all empty,\nof the used codes",
}


def empty_share(inputs: Inputs) -> Illustration:
    """Share of empty maps for each way of counting, after and before the ReLU."""
    after = [inputs.metric(f"empty_share.{key}") for key in _DENOMINATORS]
    before = [inputs.metric(f"empty_share.{key}_before_relu") for key in _DENOMINATORS]
    if set(after) == {None}:
        return nothing_to_show("empty_share", HEADING, TITLE, "There are no maps.")
    figure = new_figure(7.5, 4.4, TITLE)
    axes = figure.subplots()
    _bars(axes, -0.19, after, BLUE, "after the ReLU: no positive value")
    _bars(axes, 0.19, before, ORANGE, "before the ReLU: zero everywhere")
    axes.axvline(PAPER_EMPTY_SHARE, color=INK, lw=1.2, ls="--", zorder=2)
    said = f"paper: {percent(PAPER_EMPTY_SHARE)} (it does not say which maps are counted)"
    axes.text(PAPER_EMPTY_SHARE, 1.01, said, ha="right", transform=axes.get_xaxis_transform())
    axes.set_yticks(range(len(_DENOMINATORS)), list(_DENOMINATORS.values()))
    axes.set_xlim(0, 1.12)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("empty share")
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(GREY)
    figure.legend(loc="outside lower center", ncols=2)
    return Illustration("empty_share", HEADING, _caption(inputs), figure, _note(inputs))


def _bars(axes: Axes, offset: float, shares: list[float | None], colour: object, label: str) -> None:
    rows = np.arange(len(shares)) + offset
    axes.barh(rows, [share or 0 for share in shares], height=0.34, color=colour, label=label)
    edge = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    for row, share in zip(rows, shares, strict=True):
        at = (share or 0) + 0.012
        axes.text(at, row, percent(share), va="center", fontsize=8.5, zorder=3, bbox=edge)


def _caption(inputs: Inputs) -> str:
    return inputs.say(
        "{empty_share.present_occurrences:%} of the Grad-CAM maps are empty if only codes that are in the "
        "observation count. If every code counts in every observation, {empty_share.all_codes_all_steps:%} "
        "are empty. {empty_share.codes_always_empty:%} of the codes have no map that is not empty."
    )


def _note(inputs: Inputs) -> str:
    return inputs.say(
        "Grad-CAM ends with a ReLU, which sets negative values to zero. Before the ReLU a map counts as "
        "empty only if it is zero everywhere; the three shares are then "
        "{empty_share.present_occurrences_before_relu:%}, {empty_share.all_codes_all_steps_before_relu:%} "
        "and {empty_share.codes_always_empty_before_relu:%}. The difference is the share of maps that are "
        "negative, not absent. The map of a code that is not in the observation is zero before the ReLU too."
    )
