"""Figure: how much more alike the crops of each code are than those of other episodes (protocol step 7)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from irislib.report.findings import CONSISTENCY, RANDOM, Finding, finding
from irislib.report.inputs import Inputs
from irislib.report.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    PAPER,
    Choice,
    Illustration,
    mark,
    new_figure,
    nothing_to_show,
)
from irislib.report.wording import between, many, number, percent, sentence, signed, some_of

HEADING = "Are the crops of a code alike?"
NAMED = 8  # codes whose numbers are written into the figure, at most
# Confirmed against: other episodes, random boxes; its text in the legend, its colour, shape and area. Shape
# and size differ too, so that they can be told apart without colours.
_LOOKS = (
    (False, False, "confirmed in neither comparison", INK, "o", 5),
    (False, True, "confirmed against random boxes only", ORANGE, "s", 34),
    (True, False, "confirmed against other episodes only", BLUE, "^", 40),
    (True, True, "confirmed against both", BLUE, "D", 34),
)


def consistency(inputs: Inputs) -> Illustration:
    """The difference in mean cosine similarity for every tested code, with its confidence interval."""
    found = finding(inputs.metric, CONSISTENCY)
    codes = inputs.codes[inputs.codes["confirmed"].notna()].sort_values("difference", kind="stable")
    if len(codes) == 0:
        reason = "No code could be tested: none has enough crops from enough episodes."
        return nothing_to_show("consistency", HEADING, "No code could be tested", reason)
    title = (
        f"{sentence(some_of(found.holds, len(codes), 'tested code'))} "
        f"{'have' if (found.holds or 0) > 1 else 'has'} crops more alike than the same places in other "
        "episodes"
    )
    figure = new_figure(4.3, title)
    choices = _draw(figure.subplots(), codes)
    figure.legend(loc="outside lower center", ncols=2, handletextpad=0.2, columnspacing=1.0)
    _mark_legend(figure.legends[0], choices)
    names = {
        str(code): f"{inputs.name_of(int(code))}: difference {signed(row['difference'])} "
        f"({signed(row['difference_low'])} to {signed(row['difference_high'])})"
        for code, row in codes.iterrows()
    }
    caption = _caption(found, codes)
    return Illustration("consistency", HEADING, caption, figure, _note(inputs), names, choices)


def _draw(axes: Axes, codes: pd.DataFrame) -> dict[str, Choice]:
    """Draws the codes; what the texts of the legend choose, by key."""
    rank = np.arange(1, len(codes) + 1)
    elsewhen, random = codes["consistent"].to_numpy(), codes["beats_random"].to_numpy()
    axes.axhline(0, color=INK, lw=1, ls="--", label="as alike as other episodes")
    choices: dict[str, Choice] = {}
    for first, second, label, colour, shape, area in _LOOKS:
        which = (elsewhen == first) & (random == second)
        shown, at = codes[which], rank[which]
        numbers = [int(code) for code in shown.index]
        text = f"{label}: {len(shown)}"
        sure = first or second
        edge: dict[str, Any] = {"edgecolor": PAPER, "lw": 0.5} if sure else {"lw": 0}
        if len(shown):
            key = f"look{len(choices)}"
            choices[key] = Choice(tuple(numbers), f"{label}, in the figure of consistency")
            ends = (shown["difference_low"], shown["difference_high"])
            lines = axes.vlines(at, *ends, color=colour if sure else PALE, lw=1.1 if sure else 0.5)
            lines.set_zorder(2.5 if sure else 1)
            mark(lines, "code", numbers, part=True)
        look: dict[str, Any] = {"s": area, "marker": shape, "color": colour, "zorder": 4 if sure else 3}
        dots = axes.scatter(at, shown["difference"], label=text, **look, **edge)
        mark(dots, "code", numbers)
    _name_some(axes, codes.assign(rank=rank))
    axes.set_xlabel("tested codes, sorted by the difference")
    axes.set_ylabel("cosine similarity: difference\nto other episodes (95% intervals)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.015)
    return choices


def _name_some(axes: Axes, codes: pd.DataFrame) -> None:
    """Writes the numbers of confirmed codes, and of the largest differences, beside each other above."""
    first = codes.assign(sure=codes["consistent"] | codes["beats_random"])
    named = first.sort_values(["sure", "difference"], ascending=False, kind="stable").head(NAMED)
    named = named.sort_values("rank")
    left = max(0.0, 0.98 - 0.062 * len(named))
    for nth, (code, row) in enumerate(named.iterrows()):
        text = axes.annotate(
            str(code),
            (row["rank"], row["difference"]),
            (left + 0.062 * nth, 0.95),
            textcoords="axes fraction",
            ha="center",
            weight="bold" if row["sure"] else "normal",
            fontsize=7.5,
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": GREY, "shrinkA": 1, "shrinkB": 2},
        )
        mark(text, "code", [code])
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.18 * (high - low))


def _mark_legend(legend: object, choices: dict[str, Choice]) -> None:
    """Makes the texts of the legend choose the codes with their mark."""
    texts = [text for text in legend.get_texts() if not text.get_text().endswith((": 0", "episodes"))]  # type: ignore[attr-defined]
    for text, key in zip(texts, choices, strict=True):
        mark(text, "choice", [key])


def _caption(found: Finding, codes: pd.DataFrame) -> str:
    above = percent(float((codes["difference"] > 0).mean()))
    median = number(float(codes["difference"].median()))
    return (
        "Every tested code, sorted by how much more alike its crops are than the same boxes in other "
        "episodes. The test is repeated over divisions of the episodes into halves: on average "
        f"{number(found.selected)} codes are selected on one half, and {number(found.confirmed.value)} "
        f"({between(found.confirmed.low, found.confirmed.high)}) of them are confirmed on the other; by "
        f"chance {number(found.chance)}. The difference is above zero for {above} of the codes; its median "
        f"is {median}. Numbers in the figure name the confirmed codes, and those with the largest "
        "differences."
    )


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
