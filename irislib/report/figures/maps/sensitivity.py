"""Figure: what decides how many maps are empty."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from irislib.report.inputs import Inputs
from irislib.report.plain_names import SCORES, layer_name
from irislib.report.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    PALETTE,
    PAPER,
    SMALL,
    Illustration,
    new_figure,
    nothing_to_show,
)
from irislib.report.wording import many, percent, percent_range

HEADING = "What decides how many maps are empty"
CHOICES = ("score", "layer", "masking")
MASKINGS = {"before": ("masked before decoding", BLUE), "after": ("masked after the gradient", ORANGE)}
# What can become of a map: its text in the legend, its colour, and its hatching.
_PARTS = {
    "unused": ("the code is never used", INK, ""),
    "absent": ("the code is not in the observation", GREY, "xxx"),
    "empty": ("no positive value: empty", BLUE, ""),
    "below": ("positive, but below the threshold", PALETTE[2], "////"),
    "negative": ("negative, kept without the ReLU", PALETTE[-1], "\\\\\\\\"),
    "mixed": ("positive and negative values", ORANGE, ""),
    "positive": ("no negative value", PALE, ""),
}
_NOT_EMPTY = ("negative", "mixed", "positive")


@dataclass(frozen=True)
class _Bar:
    """One option of one choice: the shares of the maps by the keys of `_PARTS`."""

    choice: str
    option: str
    parts: dict[str, float]
    chosen: bool
    interval: tuple[float, float] | None = None  # 95%, of the share that counts as empty

    @property
    def empty(self) -> float:
        """The share that counts as empty."""
        return sum(share for part, share in self.parts.items() if part not in _NOT_EMPTY)


def sensitivity(inputs: Inputs) -> Illustration:
    """The share of empty maps for each option of each choice; the other choices stay as in params.yaml."""
    return draw(inputs.sensitivity)


def draw(table: pd.DataFrame) -> Illustration:
    """The same from the table sensitivity.csv."""
    chosen = table[table["chosen"].astype(str) == "True"]
    if len(chosen) == 0:
        reason = "No map was computed under the choices that the paper leaves open."
        return nothing_to_show("sensitivity", HEADING, HEADING, reason)
    own = chosen.iloc[0]
    first = _Bar("this run", "as in params.yaml", _parts(own), True, interval(own))
    choices = _choices(table, own)
    reach = {choice: [bar.empty for bar in choices if bar.choice == choice] for choice in CHOICES}
    # What is as in this run stands once, in the first line.
    bars = [first, *(bar for bar in (*choices, *_definitions(own), *_denominators(own)) if not bar.chosen)]
    widest = max(reach, key=lambda choice: max(reach[choice]) - min(reach[choice]))
    title = (
        f"The choice of the {widest} alone moves the share of empty maps from {percent_range(reach[widest])}"
    )
    figure = new_figure(2.0 + 0.19 * (len(bars) + 1.25 * len({bar.choice for bar in bars})), title)
    _draw_bars(figure.subplots(), bars)
    figure.legend(loc="outside lower center", ncols=2)
    caption = (
        f"With the parameters of this run (first line) {percent(own['present_occurrences'])} of the maps are "
        "empty. If one choice is changed, the share is "
        + ", ".join(f"{percent_range(ends)} ({choice})" for choice, ends in reach.items())
        + "."
    )
    note = (
        f"Measured on {many(own['occurrences'], 'occurrence')} of a code in a sample of observations"
        f"{' (lines and brackets: 95% intervals)' if interval(own) else ''}. With "
        f"the parameters of this run {percent(own['negative'])} of the maps are negative before the ReLU, "
        f"{percent(own['zero'])} are zero, and {percent(own['mixed'])} have values of both signs. Over all "
        f"{many(len(table), 'combination')} of score, layer and masking the share of empty maps is "
        f"{percent_range(table['present_occurrences'])}."
    )
    return Illustration("sensitivity", HEADING, caption, figure, note)


def _draw_bars(axes: Axes, bars: list[_Bar]) -> None:
    at, places = 0.0, []
    for choice, options in groupby(bars, key=lambda bar: bar.choice):
        at += 1.25
        axes.text(
            -0.012, at, choice, ha="right", va="center", weight="bold", transform=axes.get_yaxis_transform()
        )
        for _ in options:
            at += 1
            places.append(at)
    left = np.zeros(len(bars))
    for part, (label, colour, hatch) in _PARTS.items():
        width = np.array([bar.parts.get(part, 0) for bar in bars])
        if width.any():
            look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": PAPER, "lw": 0}
            axes.barh(places, width, left=left, height=0.72, label=label, **look)
        left += width
    axes.axvline(bars[0].empty, color=INK, lw=0.8, ls="--")
    for place, bar in zip(places, bars, strict=True):
        said = percent(bar.empty)
        if bar.interval:
            axes.hlines(place, *bar.interval, color=PAPER, lw=3.2)
            axes.hlines(place, *bar.interval, color=INK, lw=1.3)
            said += f" ({percent_range(bar.interval)})"
        axes.text(1.02, place, said, va="center", fontsize=SMALL)
    axes.set_yticks(places, [bar.option for bar in bars])
    axes.set(
        xlim=(0, 1), ylim=(at + 0.8, 0.4), xlabel="share of the maps\n(right: the share that counts as empty)"
    )
    axes.set_xticks([0, 0.5, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="y", length=0)


def interval(row: pd.Series) -> tuple[float, float] | None:
    """The 95% interval of the share of empty maps in a row; None if there is none."""
    if "low" not in row or pd.isna(row["low"]):
        return None
    return float(row["low"]), float(row["high"])


def _choices(table: pd.DataFrame, own: pd.Series) -> list[_Bar]:
    """The options of score, layer and masking."""
    bars = []
    for choice in CHOICES:
        others = [name for name in CHOICES if name != choice]
        for _, row in table[(table[others] == own[others]).all(axis=1)].iterrows():
            option = _option(choice, str(row[choice]))
            bars.append(_Bar(choice, option, _parts(row), bool(row[choice] == own[choice]), interval(row)))
    return bars


def _option(choice: str, option: str) -> str:
    if choice == "masking":
        return MASKINGS[option][0]
    return layer_name(option) if choice == "layer" else SCORES.get(option, option)


def _definitions(own: pd.Series) -> list[_Bar]:
    """When a map counts as empty: with or without the ReLU, and under a threshold."""
    region, faint = _parts(own, below=own["no_region"]), _parts(own, below=own["faint"])
    return [
        _Bar("ReLU", "with", _parts(own), True),
        _Bar("ReLU", "without", _parts(own, relu=False), False),
        _Bar("threshold", "none", _parts(own), True),
        _Bar("threshold", "of the map's maximum, and of area", region, False),
        _Bar("threshold", "of the largest maximum of all maps", faint, False),
    ]


def _denominators(own: pd.Series) -> list[_Bar]:
    """Which maps, or codes, are counted."""
    present = 1 - own["unused"] - own["absent"]
    everywhere = {name: share * present for name, share in _parts(own).items()}
    everywhere |= {"unused": own["unused"], "absent": own["absent"]}
    never = own["codes_always_empty"]
    codes = {"unused": own["unused"], "empty": never - own["unused"], "positive": 1 - never}
    return [
        _Bar("counted", "codes that are in the observation", _parts(own), True),
        _Bar("counted", "all codes in all observations", everywhere, False),
        _Bar("counted", "codes: empty if all their maps are", codes, False),
    ]


def _parts(row: pd.Series, below: float = 0.0, relu: bool = True) -> dict[str, float]:
    """Shares of a row's maps by the keys of `_PARTS`; `below` is the share of maps under the threshold."""
    zero, negative, mixed, positive = (float(row[name]) for name in ("zero", "negative", "mixed", "positive"))
    left = 1 - below / (mixed + positive) if below else 1.0
    return {
        "empty": zero + negative if relu else zero,
        "below": below,
        "negative": 0.0 if relu else negative,
        "mixed": mixed * left,
        "positive": positive * left,
    }
