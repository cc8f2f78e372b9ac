"""Figure: how many heatmaps are empty (protocol step 4)."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from irislib.interpret.sensitivity.episode_intervals import share_interval
from irislib.report.inputs import Inputs
from irislib.report.published import PAPER_EMPTY_SHARE
from irislib.report.style import (
    BLUE,
    INK,
    ORANGE,
    PAPER,
    SMALL,
    Illustration,
    new_figure,
    nothing_to_show,
)
from irislib.report.wording import percent, percent_range
from irislib.seeding import stream

HEADING = "How many maps are empty"
_DENOMINATORS = {
    "present_occurrences": "codes in the observation",
    "distinct_maps": "distinct maps",
    "all_codes_all_steps": "all codes in all observations",
    "codes_always_empty": "codes whose maps are all empty",
    "used_codes_always_empty": "the same, of the used codes",
}


def empty_share(inputs: Inputs) -> Illustration:
    """Share of empty maps for each way of counting, after and before the ReLU."""
    after = {key: inputs.metric(f"empty_share.{key}") for key in _DENOMINATORS}
    before = {key: inputs.metric(f"empty_share.{key}_before_relu") for key in _DENOMINATORS}
    if set(after.values()) == {None}:
        return nothing_to_show("empty_share", HEADING, "There are no maps", "There are no maps.")
    keys = list(_DENOMINATORS)
    if after["codes_always_empty"] == after["used_codes_always_empty"]:
        keys.remove("used_codes_always_empty")  # all codes are used, so that it is the same number
    figure = new_figure(1.6 + 0.42 * len(keys), _title(after))
    axes = figure.subplots()
    _bars(axes, -0.19, [after[key] for key in keys], BLUE, "", "after the ReLU: no positive value")
    _bars(axes, 0.19, [before[key] for key in keys], ORANGE, "////", "before the ReLU: zero everywhere")
    low, high = interval(inputs)
    axes.hlines(-0.19, low, high, color=PAPER, lw=3.2)
    axes.hlines(-0.19, low, high, color=INK, lw=1.3, label="95% interval over episodes")
    axes.axvline(PAPER_EMPTY_SHARE, color=INK, lw=1.2, ls="--", zorder=2)
    said = f"paper: {percent(PAPER_EMPTY_SHARE)} (it does not say which maps are counted)"
    axes.text(PAPER_EMPTY_SHARE, 1.01, said, ha="right", transform=axes.get_xaxis_transform())
    axes.set_yticks(range(len(keys)), [_DENOMINATORS[key] for key in keys])
    axes.set_xlim(0, 1)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("share that is empty")
    axes.set_ylim(len(keys) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=2)
    return Illustration("empty_share", HEADING, _caption(inputs, (low, high)), figure, _note(inputs))


def interval(inputs: Inputs) -> tuple[float, float]:
    """The 95% interval over episodes of the share of empty maps among codes that are in the observation."""
    empty = (inputs.heatmaps.read("map_raw_max") <= 0)[inputs.heatmaps.read("occurrence_map")]
    episode = inputs.rollouts.read("episode")[inputs.heatmaps.read("occurrence_step")]
    return share_interval(empty, episode, stream(inputs.seed, "empty_share"))


def _title(after: dict[str, float | None]) -> str:
    ends = percent_range(share for share in after.values() if share is not None)
    return f"{ends} of the maps or codes are empty, depending on what is counted"


def _bars(
    axes: Axes, offset: float, shares: list[float | None], colour: object, hatch: str, label: str
) -> None:
    rows = np.arange(len(shares)) + offset
    look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": PAPER, "lw": 0}
    axes.barh(rows, [share or 0 for share in shares], height=0.34, label=label, **look)
    for row, share in zip(rows, shares, strict=True):
        axes.text(1.02, row, percent(share), va="center", fontsize=SMALL)


def _caption(inputs: Inputs, ends: tuple[float, float]) -> str:
    return inputs.say(
        f"{{empty_share.present_occurrences:%}} of the Grad-CAM maps ({percent_range(ends)}) are empty if "
        "only codes that are in the observation count. If every code counts in every observation, "
        "{empty_share.all_codes_all_steps:%} are empty. {empty_share.codes_always_empty:%} of the codes have "
        "only empty maps."
    )


def _note(inputs: Inputs) -> str:
    return inputs.say(
        "Grad-CAM ends with a ReLU, which sets negative values to zero. Before the ReLU a map counts as "
        "empty only if it is zero everywhere; the three shares are then "
        "{empty_share.present_occurrences_before_relu:%}, {empty_share.all_codes_all_steps_before_relu:%} "
        "and {empty_share.codes_always_empty_before_relu:%}. The difference is the share of maps that are "
        "negative, not absent. The map of a code that is not in the observation is zero before the ReLU too."
    )
