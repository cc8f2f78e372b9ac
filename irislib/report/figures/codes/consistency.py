"""Figure: how much more alike the crops of each code are than those of other episodes (protocol step 7)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from irislib.report.findings import CONSISTENCY, RANDOM, finding
from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, GREY, INK, ORANGE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import many, number

HEADING = "Codes against other episodes"
# Confirmed against: other episodes, random boxes; its text in the legend, its colour and shape.
_LOOKS: tuple[tuple[bool, bool, str, Any, str], ...] = (
    (False, False, "confirmed in neither comparison", GREY, "o"),
    (False, True, "confirmed against random boxes only", ORANGE, "s"),
    (True, False, "confirmed against other episodes only", BLUE, "^"),
    (True, True, "confirmed against both", BLUE, "D"),
)


def consistency(inputs: Inputs) -> Illustration:
    """The difference in mean cosine similarity for every tested code, with its confidence interval."""
    found = finding(inputs.metric, CONSISTENCY)
    codes = inputs.codes[inputs.codes["confirmed"].notna()].sort_values("difference", kind="stable")
    if len(codes) == 0:
        reason = "No code could be tested: none has enough crops from enough episodes."
        return nothing_to_show("consistency", HEADING, "No code could be tested", reason)
    title = (
        f"{found.confirmed.shown} of {many(len(codes), 'tested code')} are confirmed to look more alike than "
        "other episodes do at the same places"
    )
    caption = inputs.say(
        "Every tested code, sorted by how much more alike its crops are than the same boxes in other "
        "episodes. On average over divisions of the episodes into halves {selected} codes are selected on "
        "one half and {confirmed} of them are confirmed on the other; by chance {chance}. The difference is "
        "above zero for {above:%} of the codes; its median is {consistency.median_difference}.",
        selected=found.selected or 0.0,
        confirmed=found.confirmed.value,
        chance=found.chance or 0.0,
        above=float((codes["difference"] > 0).mean()),
    )
    figure = new_figure(8, 4.8, title)
    _draw(figure.subplots(), codes)
    figure.legend(loc="outside lower center", ncols=2)
    return Illustration("consistency", HEADING, caption, figure, _note(inputs))


def _draw(axes: Any, codes: pd.DataFrame) -> None:
    rank = np.arange(1, len(codes) + 1)
    elsewhen, random = codes["consistent"].to_numpy(), codes["beats_random"].to_numpy()
    axes.axhline(0, color=INK, lw=1, ls="--", label="as alike as other episodes")
    for first, second, label, colour, shape in _LOOKS:
        which = (elsewhen == first) & (random == second)
        shown, at = codes[which], rank[which]
        label = f"{label}: {len(shown)}"
        axes.vlines(at, shown["difference_low"], shown["difference_high"], color=colour, lw=0.7, alpha=0.45)
        axes.scatter(at, shown["difference"], s=12, marker=shape, color=colour, lw=0, zorder=3, label=label)
    axes.set_xlabel("tested codes, sorted by the difference")
    axes.set_ylabel("difference in mean cosine similarity\nto other episodes (lines: 95% intervals)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.015)


def _note(inputs: Inputs) -> str:
    random = finding(inputs.metric, RANDOM)
    return inputs.say(
        "Crops from one episode look alike whatever they show. Therefore a code is judged only by pairs of "
        "its crops from different episodes. Crops of one place, one time or one part of the day look alike "
        "too. Therefore each crop is compared with the same box in another episode, at the nearest step with "
        "the same part of the day. The test takes an episode as one draw. Over all pairs of crops, also from "
        "the same episode, the mean cosine similarity is {consistency.mean_cosine} for tested codes, "
        "{consistency.mean_cosine_elsewhen} for the same boxes in other episodes, and {random.mean_cosine} "
        "for random boxes. Against random boxes, the paper's comparison, "
        f"{random.confirmed.shown} of {many(random.tested, 'tested code')} are confirmed, out of "
        f"{number(random.selected)} that were selected."
    )
