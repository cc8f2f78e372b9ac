"""Figures of what empty maps hang on, and of Grad-CAM beside other attributions."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from irislib.report.style import BLUE, GREY, INK, ORANGE, PALE, PALETTE, Illustration, new_figure
from irislib.report.wording import many, percent

# What must be there to draw the tables of the sensitivity stage.
SENSITIVITY_COLUMNS = ["score", "layer", "masking", "chosen", "mixed", "positive", "no_region", "faint"]
ATTRIBUTION_COLUMNS = ["method", "masking", "right_sign", "latents", "latents_error"]

_PARTS = {
    "unused": ("the code is never used", INK),
    "absent": ("the code is not in the observation", GREY),
    "empty": ("no positive value: empty", BLUE),
    "below": ("positive, but below the threshold", PALETTE[2]),
    "negative": ("no positive value, but not cut off", PALETTE[-1]),
    "mixed": ("positive and negative values", ORANGE),
    "positive": ("no negative value", PALE),
}
_ALIVE = ("negative", "mixed", "positive")
_METHODS = {
    "gradcam": "Grad-CAM",
    "hirescam": "HiResCAM",
    "integrated_gradients": "integrated gradients",
    "gradient_shap": "gradient SHAP",
    "occlusion": "occlusion",
}
_MASKINGS = {"before": ("masked before decoding", BLUE), "after": ("masked after the gradient", ORANGE)}


@dataclass(frozen=True)
class _Bar:
    """One option of an open choice, and what becomes of the maps under it, by the keys of `_PARTS`."""

    choice: str
    option: str
    parts: dict[str, float]
    chosen: bool

    @property
    def empty(self) -> float:
        """The share that counts as empty."""
        return sum(share for part, share in self.parts.items() if part not in _ALIVE)


def sensitivity(table: pd.DataFrame) -> Illustration:
    """The share of empty maps under each option of each open choice, the others as chosen.

    Args:
        table: reports/sensitivity.csv.
    """
    bars = _options(table)
    own = table[table["chosen"]].iloc[0]
    reach = {choice: _reach(bars, choice) for choice in ("layer", "score", "masking")}
    widest = max(reach, key=lambda choice: reach[choice][1] - reach[choice][0])
    title = f"The {widest} alone moves the share of empty maps from {_range(*reach[widest])}"
    figure = new_figure(8, 7.6, title)
    axes = figure.subplots()
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
    for part, (label, colour) in _PARTS.items():
        width = np.array([bar.parts.get(part, 0) for bar in bars])
        axes.barh(places, width, left=left, height=0.72, color=colour, label=label)
        left += width
    for place, bar in zip(places, bars, strict=True):
        axes.text(1.01, place, percent(bar.empty), va="center", fontsize=8.5)
    axes.set_yticks(places, [f"{bar.option} ●" if bar.chosen else bar.option for bar in bars])
    axes.set(
        xlim=(0, 1), ylim=(at + 0.8, 0.4), xlabel="share of the maps; at the right, how many count as empty"
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=2)
    low, high = table["present_pairs"].min(), table["present_pairs"].max()
    caption = (
        f"As chosen (●) {percent(own['present_pairs'])} of the maps are empty; changing one choice at a "
        f"time, the share runs from "
        + ", ".join(f"{_range(*ends)} with the {choice}" for choice, ends in reach.items())
        + "."
    )
    note = (
        f"Measured on {many(own['pairs'], 'present pair')} of observation and code, drawn by observation. "
        f"As chosen, {percent(own['negative'])} of the maps are negative before the ReLU and "
        f"{percent(own['zero'])} are zero; {percent(own['mixed'])} have both signs. Over all "
        f"{many(len(table), 'combination')} of score, layer and masking the share runs from "
        f"{_range(low, high)}."
    )
    return Illustration("sensitivity", "What the empty maps hang on", caption, figure, note)


def _options(table: pd.DataFrame) -> list[_Bar]:
    own = table[table["chosen"]].iloc[0]
    bars = []
    for choice in ("score", "layer", "masking"):
        rest = [name for name in ("score", "layer", "masking") if name != choice]
        for _, row in table[(table[rest] == own[rest]).all(axis=1)].iterrows():
            option = _MASKINGS[row[choice]][0] if choice == "masking" else row[choice]
            bars.append(_Bar(choice, option, _parts(row), bool(row["chosen"])))
    bars += [
        _Bar("ReLU", "with", _parts(own), True),
        _Bar("ReLU", "without", _parts(own, relu=False), False),
        _Bar("threshold", "none", _parts(own), True),
        _Bar(
            "threshold", "of each map's maximum, and least area", _parts(own, below=own["no_region"]), False
        ),
        _Bar("threshold", "of the greatest maximum of all", _parts(own, below=own["faint"]), False),
    ]
    present = 1 - own["unused"] - own["absent"]
    everywhere = {name: share * present for name, share in _parts(own).items()}
    never = own["codes_always_empty"]
    return [
        *bars,
        _Bar("counted among", "codes present in an observation", _parts(own), True),
        _Bar(
            "counted among",
            "all codes in all observations",
            {"unused": own["unused"], "absent": own["absent"], **everywhere},
            False,
        ),
        _Bar(
            "counted among",
            "codes, by all their maps in the sample",
            {"unused": own["unused"], "empty": never - own["unused"], "positive": 1 - never},
            False,
        ),
    ]


def _parts(row: pd.Series, below: float = 0.0, relu: bool = True) -> dict[str, float]:
    """Shares of a row's maps by the keys of `_PARTS`; `below` counts some of those with positive values."""
    zero, negative, mixed, positive = (float(row[name]) for name in ("zero", "negative", "mixed", "positive"))
    left = 1 - below / (mixed + positive) if below else 1.0
    return {
        "empty": zero + negative if relu else zero,
        "below": below,
        "negative": 0.0 if relu else negative,
        "mixed": mixed * left,
        "positive": positive * left,
    }


def _reach(bars: list[_Bar], choice: str) -> tuple[float, float]:
    shares = [bar.empty for bar in bars if bar.choice == choice]
    return min(shares), max(shares)


def _range(low: float, high: float) -> str:
    return f"{percent(low)} to {percent(high)}"


def attributions(table: pd.DataFrame) -> Illustration:
    """How many maps of each attribution are empty, and how faithful its maps are.

    Args:
        table: reports/attributions.csv.
    """
    by = table.set_index(["method", "masking"])
    methods = [method for method in _METHODS if method in set(table["method"])]
    own = by.loc[("gradcam", "before")]
    title = f"Grad-CAM has the sign of a code's effect in {percent(own['right_sign'])} of the maps"
    figure = new_figure(8.4, 3.6, title)
    panels = (
        ("present_pairs", None, "empty maps", None),
        ("right_sign", None, "maps with the sign of\nthe code's effect", 0.5),
        ("latents", "latents_error", "insertion minus deletion\n(unit of the score)", 0.0),
    )
    for axes, (column, error, label, chance) in zip(figure.subplots(1, 3, sharey=True), panels, strict=True):
        for offset, (masking, (name, colour)) in zip((-0.18, 0.18), _MASKINGS.items(), strict=True):
            shown = by.xs(masking, level="masking").reindex(methods)
            axes.barh(
                np.arange(len(methods)) + offset,
                shown[column],
                xerr=None if error is None else shown[error],
                height=0.34,
                color=colour,
                error_kw={"ecolor": INK, "elinewidth": 1.2},
                label=name,
            )
        if chance is None:
            axes.set_xlim(0, 1)
        else:
            axes.axvline(chance, color=INK, lw=1, ls="--", label="no better than guessing")
        if error is None:
            axes.set_xlim(0, 1)
            axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xlabel(label)
        axes.tick_params(axis="y", length=0)
    axes.set_yticks(range(len(methods)), [_METHODS[method] for method in methods])
    axes.invert_yaxis()
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    others = table[(table["masking"] == "before") & (table["method"] != "gradcam")]
    caption = (
        f"Grad-CAM leaves {percent(own['present_pairs'])} of {many(own['pairs'], 'map')} empty and has the "
        f"sign of the code's effect in {percent(own['right_sign'])} of them; other methods leave "
        f"{_range(others['present_pairs'].min(), others['present_pairs'].max())} empty and have the sign in "
        f"{_range(others['right_sign'].min(), others['right_sign'].max())} (codes masked before decoding)."
    )
    note = (
        "A code's effect is what the score loses when the code is set to zero; "
        f"{percent(own['missed'])} of the codes that do raise the score have an empty Grad-CAM map. "
        f"Insertion minus deletion: the area between the score's curves as an observation's codes are "
        f"inserted, or deleted, in the order of their maps; the lines are standard errors over "
        f"observations. All maps are at the code input."
    )
    return Illustration("attributions", "Grad-CAM beside other attributions", caption, figure, note)
