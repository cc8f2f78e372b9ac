"""Figures of the codebook as a whole: how much of it is used, how many of its maps are empty."""

import numpy as np
from matplotlib.ticker import PercentFormatter

from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, GREY, INK, ORANGE, PALE, Illustration, new_figure
from irislib.report.wording import number, percent

PAPER_EMPTY_SHARE = 0.90

_DENOMINATORS = {
    "present_pairs": "codes present in an observation",
    "distinct_maps": "distinct maps",
    "all_codes_all_steps": "all codes in all observations",
    "codes_always_empty": "codes whose maps are all empty, of all",
    "used_codes_always_empty": "codes whose maps are all empty, of used",
}


def codebook_usage(inputs: Inputs) -> Illustration:
    """Uses of every code by rank, on a log scale."""
    uses = np.sort(inputs.codes["uses"].to_numpy())[::-1]
    active = int((uses > 0).sum())
    title = inputs.say("{codebook.used:of codebook.size code} came into use")
    figure = new_figure(7.5, 4.2, title)
    axes = figure.subplots()
    ranks, label = np.arange(1, active + 1), f"used ({active})"
    axes.plot(ranks, uses[:active], color=BLUE, lw=1.2, marker=".", ms=4, label=label)
    if active < len(uses):
        label = f"never used ({len(uses) - active})"
        axes.axvspan(active + 0.5, len(uses) + 0.5, color=PALE, lw=0, label=label)
    perplexity = inputs.metric("codebook.perplexity")
    label = f"perplexity {number(perplexity)} (as varied as that many, evenly used)"
    axes.axvline(perplexity or np.nan, color=ORANGE, lw=1.5, ls="--", label=label)
    axes.set(yscale="log", xlabel="rank of the code", ylabel="uses (token positions, log scale)")
    axes.set(xlim=(0.5, len(uses) + 0.5), ylim=(0.7, uses[0] * 2))
    figure.legend(loc="outside lower center", ncols=3)
    caption = inputs.say(
        "{codebook.used:of codebook.size code} occurred in the agent's observations, as varied in their use "
        "as {codebook.perplexity} evenly used codes, with {codebook.codes_per_observation} different ones "
        "in an observation on average."
    )
    return Illustration("codebook_usage", "How much of the codebook is used", caption, figure)


def empty_share(inputs: Inputs) -> Illustration:
    """Share of empty maps by denominator, after and before the ReLU (protocol step 4)."""
    after = {key: inputs.metric(f"empty_share.{key}") for key in _DENOMINATORS}
    before = {key: inputs.metric(f"empty_share.{key}_before_relu") for key in _DENOMINATORS}
    figure = new_figure(7.5, 4.4, "How many maps are empty depends on what they are counted among")
    axes = figure.subplots()
    for offset, shares, colour, label in (
        (-0.19, after, BLUE, "after the ReLU (no positive value)"),
        (0.19, before, ORANGE, "before the ReLU (zero everywhere)"),
    ):
        rows = np.arange(len(shares)) + offset
        axes.barh(rows, [share or 0 for share in shares.values()], height=0.34, color=colour, label=label)
        for row, share in zip(rows, shares.values(), strict=True):
            edge = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            axes.text(
                (share or 0) + 0.012, row, percent(share), va="center", fontsize=8.5, zorder=3, bbox=edge
            )
    axes.axvline(PAPER_EMPTY_SHARE, color=INK, lw=1.2, ls="--", zorder=2)
    axes.text(
        PAPER_EMPTY_SHARE,
        1.01,
        "paper: 90% (denominator not stated)",
        ha="right",
        transform=axes.get_xaxis_transform(),
    )
    axes.set_yticks(range(len(_DENOMINATORS)), list(_DENOMINATORS.values()))
    axes.set_xlim(0, 1.12)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("share that is empty")
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(GREY)
    figure.legend(loc="outside lower center", ncols=2)
    caption = inputs.say(
        "{empty_share.present_pairs:%} of the maps of codes present in an observation are empty, "
        "{empty_share.all_codes_all_steps:%} if absent codes count as well, and "
        "{empty_share.codes_always_empty:%} of the codes have none but empty maps."
    )
    note = inputs.say(
        "Before the ReLU, where only a map of zeros is empty, the three are "
        "{empty_share.present_pairs_before_relu:%}, {empty_share.all_codes_all_steps_before_relu:%} and "
        "{empty_share.codes_always_empty_before_relu:%}: what the ReLU cuts off is negative, not absent. A "
        "code that is not in an observation has a map of zeros there, before the ReLU too."
    )
    return Illustration("empty_share", "How many maps are empty", caption, figure, note)
