"""Figure: the headline under each embedder."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, GREY, INK, ORANGE, PALETTE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import many, number, percent, sentence

HEADING = "The same test under other embedders"
_NAMES = {"cells": "trained in the simulator", "imagenet": "ImageNet", "random": "untrained"}
_COUNTS = {
    "codes_consistent": ("consistent", BLUE),
    "codes_consistent_beyond_place": ("and above the position baseline", ORANGE),
}
_COSINES = {
    "mean_cosine_codes": ("crops of one code", BLUE),
    "mean_cosine_same_place": ("other codes, same places", PALETTE[2]),
    "mean_cosine_random": ("random crops", GREY),
}


def embedders(inputs: Inputs) -> Illustration:
    """Consistent codes, mean cosines, and how well nearest neighbours share labels, for each embedder."""
    return draw(inputs.embedders)


def draw(table: pd.DataFrame) -> Illustration:
    """The same from the table embedders.csv."""
    if table["codes_tested"].sum() == 0:
        reason = "No code could be tested under any embedder: none has enough crops from enough episodes."
        return nothing_to_show("embedders", HEADING, "No code could be tested under any embedder", reason)
    shares = table[[*_COUNTS]].div(table["codes_tested"].where(table["codes_tested"] > 0), axis=0)
    low, high = (percent(share) for share in shares["codes_consistent"].agg(["min", "max"]))
    spoken = f"depending on the embedder, {low} to {high}" if low != high else f"under every embedder, {low}"
    title = sentence(f"{spoken} of the tested codes passed the consistency test")
    figure = new_figure(8.4, 1.9 + 0.55 * len(table), title)
    counts, cosines, labels = figure.subplots(1, 3, sharey=True)
    at = np.arange(len(table))
    _bars(counts, shares, _COUNTS)
    _bars(cosines, table, _COSINES)
    labels.barh(at, table["label_overlap"], height=0.6, color=PALETTE[4], label="most similar crop")
    chance = table["label_overlap_chance"]
    labels.vlines(chance, at - 0.38, at + 0.38, color=INK, ls="--", lw=1, label="any other crop")
    texts = ("share of the tested codes", "mean cosine similarity", "labels shared with another crop")
    for axes, text in zip((counts, cosines, labels), texts, strict=True):
        axes.set_xlabel(text)
        axes.set_xlim(0, 1)
        axes.tick_params(axis="y", length=0)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=1, borderaxespad=0.2)
    for axes in (counts, labels):
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    cosines.set_xlim(min(0.0, table[[*_COSINES]].min(axis=None, skipna=True)), 1)
    counts.set_yticks(at, [_NAMES.get(name, name) for name in table["weights"]])
    counts.invert_yaxis()
    return Illustration("embedders", HEADING, _caption(table), figure)


def _bars(axes: Axes, values: pd.DataFrame, columns: Mapping[str, tuple[str, Any]]) -> None:
    height = 0.8 / len(columns)
    for nth, (column, (label, colour)) in enumerate(columns.items()):
        at = np.arange(len(values)) + (nth - (len(columns) - 1) / 2) * height
        axes.barh(at, values[column], height=height, color=colour, label=label)


def _caption(table: pd.DataFrame) -> str:
    rows = [
        f"{_NAMES.get(row['weights'], row['weights'])} ({number(row['dimension'])} features): "
        f"{number(row['codes_consistent'])} of {many(row['codes_tested'], 'tested code')} consistent, "
        f"{number(row['codes_consistent_beyond_place'])} of these also above the position baseline, median "
        f"effect size {number(row['median_effect_size'])}; a crop shares "
        f"{percent(row['label_overlap'])} of its labels with the most similar crop and "
        f"{percent(row['label_overlap_chance'])} with any other crop"
        for _, row in table.iterrows()
    ]
    return "The same crops and the same test under each embedder. " + ". ".join(map(sentence, rows)) + "."
