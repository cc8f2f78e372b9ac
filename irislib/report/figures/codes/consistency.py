"""Figure: how much more alike the crops of each code are than random crops (protocol step 7)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, GREY, INK, ORANGE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import many

HEADING = "Codes against random crops"


def consistency(inputs: Inputs) -> Illustration:
    """The difference in mean cosine similarity for every tested code, with its confidence interval."""
    title = inputs.say(
        "{consistency.codes_consistent:of consistency.codes_tested tested code} passed the consistency test"
    )
    codes = inputs.codes[inputs.codes["p_value"].notna()].sort_values("difference", kind="stable")
    if len(codes) == 0:
        reason = "No code could be tested: none has enough crops from enough episodes."
        return nothing_to_show("consistency", HEADING, title, reason)
    caption = inputs.say(
        "Every tested code, sorted by how much more alike its crops are than random crops. "
        "{consistency.codes_consistent:of consistency.codes_tested code} passed the test (q ≤ "
        "{consistency.alpha}, and the whole interval above zero). The difference is above zero for "
        "{above:%} of the codes; its median is {median}.",
        above=float((codes["difference"] > 0).mean()),
        median=float(f"{codes['difference'].median():.3g}"),
    )
    figure = new_figure(8, 4.6, title)
    _draw(figure.subplots(), codes)
    figure.legend(loc="outside lower center", ncols=2)
    return Illustration("consistency", HEADING, caption, figure, _note(inputs, codes))


def _draw(axes: Any, codes: pd.DataFrame) -> None:
    rank, passed = np.arange(1, len(codes) + 1), codes["consistent"].to_numpy()
    beyond = passed & codes["beyond_place"].to_numpy()
    axes.axhline(0, color=INK, lw=1, ls="--", label="as alike as random crops")
    looks: tuple[tuple[Any, str, Any, str], ...] = (
        (~passed, "not consistent", GREY, "o"),
        (passed & ~beyond, "consistent, but not above the position baseline", ORANGE, "s"),
        (beyond, "consistent, and above the position baseline", BLUE, "D"),
    )
    for which, label, colour, shape in looks:
        shown, at = codes[which], rank[which]
        label = f"{label}: {len(shown)}"
        axes.vlines(at, shown["difference_low"], shown["difference_high"], color=colour, lw=0.7, alpha=0.45)
        axes.scatter(at, shown["difference"], s=9, marker=shape, color=colour, lw=0, zorder=3, label=label)
    axes.set_xlabel("tested codes, sorted by the difference")
    axes.set_ylabel(
        "difference in mean cosine similarity:\ncode's crops minus random crops\n(lines: 95% intervals)"
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.015)


def _note(inputs: Inputs, codes: pd.DataFrame) -> str:
    note = inputs.say(
        "Crops from one episode look alike whatever they show. Therefore a code is judged only by pairs of "
        "its crops from different episodes. They are compared with random crops of the same sizes from the "
        "same frames. The test flips the sign of whole episodes, and its p-values are corrected for the "
        "number of codes (Benjamini-Hochberg). The position baseline is stricter: crops of other codes, cut "
        "out at the same places in other episodes. Over all pairs of crops, also from the same episode, the "
        "mean cosine similarity is {consistency.mean_cosine_codes} for tested codes and "
        "{consistency.mean_cosine_random} for random crops. Not tested: "
        "{consistency.codes_too_few_crops:code} with too few crops, "
        "{consistency.codes_too_few_episodes:code} with crops from too few episodes."
    )
    episodes = int(codes["episodes"].median())
    smallest = 2.0**-episodes
    if smallest * len(codes) > (inputs.metric("consistency.alpha") or 0):
        note += (
            f" The test is weak because there are few episodes: the median code has crops from "
            f"{many(episodes, 'episode')}, so its p-value cannot be below {smallest:.2g}. After the "
            f"correction for {many(len(codes), 'code')} that cannot be significant for a single code. A code "
            f"that did not pass may still be consistent."
        )
    return note
