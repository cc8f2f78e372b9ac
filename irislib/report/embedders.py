"""Figure of the headline under each embedder."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from irislib.report.style import BLUE, GREY, INK, ORANGE, PALETTE, Illustration, new_figure
from irislib.report.wording import many, number, percent

# What must be there to draw the table of the compare stage.
EMBEDDER_COLUMNS = [
    *("weights", "dimension", "codes_tested", "codes_consistent", "codes_consistent_beyond_place"),
    *("mean_cosine_codes", "mean_cosine_random", "mean_cosine_same_place", "median_effect_size"),
    *("label_overlap", "label_overlap_chance"),
]

_NAMES = {"cells": "Crafter's cells", "imagenet": "ImageNet", "random": "untrained"}
_COUNTS = {
    "codes_consistent": ("consistent", BLUE),
    "codes_consistent_beyond_place": ("and beyond their place", ORANGE),
}
_COSINES = {
    "mean_cosine_codes": ("a code's crops", BLUE),
    "mean_cosine_same_place": ("other codes', same places", PALETTE[2]),
    "mean_cosine_random": ("random crops", GREY),
}


def embedders(table: pd.DataFrame) -> Illustration:
    """How many codes are consistent under each embedder, and how well it tells labels apart.

    Args:
        table: reports/embedders.csv.
    """
    shares = table[[*_COUNTS]].div(table["codes_tested"].where(table["codes_tested"] > 0), axis=0)
    consistent = shares["codes_consistent"].dropna()
    title = "No code could be tested under any embedder"
    if len(consistent):
        low, high = percent(consistent.min()), percent(consistent.max())
        spoken = f"{low} to {high}" if low != high else low
        title = f"{spoken} of the tested codes are consistent, whichever the embedder"
    figure = new_figure(8.4, 1.9 + 0.55 * len(table), title)
    counts, cosines, labels = figure.subplots(1, 3, sharey=True)
    at = np.arange(len(table))
    _bars(counts, shares, _COUNTS)
    _bars(cosines, table, _COSINES)
    labels.barh(at, table["label_overlap"], height=0.6, color=PALETTE[4], label="nearest neighbour")
    labels.vlines(
        table["label_overlap_chance"], at - 0.38, at + 0.38, color=INK, ls="--", lw=1, label="any other crop"
    )
    texts = ("share of the tested codes", "mean cosine", "labels in common with another crop")
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
    return Illustration("embedders", "The headline under each embedder", _caption(table), figure)


def _bars(axes: Axes, values: pd.DataFrame, columns: Mapping[str, tuple[str, Any]]) -> None:
    height = 0.8 / len(columns)
    for nth, (column, (label, colour)) in enumerate(columns.items()):
        at = np.arange(len(values)) + (nth - (len(columns) - 1) / 2) * height
        axes.barh(at, values[column], height=height, color=colour, label=label)


def _caption(table: pd.DataFrame) -> str:
    rows = [
        f"{_NAMES.get(row['weights'], row['weights'])} ({number(row['dimension'])} features): "
        f"{number(row['codes_consistent'])} of {many(row['codes_tested'], 'tested code')} consistent, "
        f"{number(row['codes_consistent_beyond_place'])} of them beyond their place, median effect size "
        f"{number(_known(row['median_effect_size']))}, and the crop nearest to a crop has "
        f"{percent(_known(row['label_overlap']))} of its labels in common with it "
        f"(any other: {percent(_known(row['label_overlap_chance']))})"
        for _, row in table.iterrows()
    ]
    return "The same crops, tested in the same way, under each embedder: " + "; ".join(rows) + "."


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
