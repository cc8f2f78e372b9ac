"""Figure: the headline under each embedder."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from irislib.report.findings import Measured
from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, GREY, INK, ORANGE, PALETTE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import between, many, number, percent, sentence

HEADING = "The same test under other embedders"
_NAMES = {"cells": "trained in the simulator", "imagenet": "ImageNet", "random": "untrained"}
_COSINES = {
    "mean_cosine": ("crops of one code", BLUE),
    "mean_cosine_elsewhen": ("same boxes, other episodes", GREY),
}


def embedders(inputs: Inputs) -> Illustration:
    """Confirmed codes, mean cosines, and how well nearest neighbours share labels, for each embedder."""
    return draw(inputs.embedders)


def draw(table: pd.DataFrame) -> Illustration:
    """The same from the table embedders.csv."""
    if table["tested"].sum() == 0:
        reason = "No code could be tested under any embedder: none has enough crops from enough episodes."
        return nothing_to_show("embedders", HEADING, "No code could be tested under any embedder", reason)
    ends = between(table["confirmed"].min(), table["confirmed"].max())
    title = f"Depending on the embedder, {ends} codes are confirmed to look alike"
    figure = new_figure(8.4, 1.9 + 0.55 * len(table), title)
    counts, cosines, labels = figure.subplots(1, 3, sharey=True)
    at = np.arange(len(table))
    counts.barh(at, table["confirmed"], height=0.6, color=BLUE, label="confirmed (line: range)")
    counts.hlines(at, table["low"], table["high"], color=INK, lw=1.2)
    counts.vlines(table["null"], at - 0.38, at + 0.38, color=ORANGE, ls="--", lw=1.4, label="by chance")
    _bars(cosines, table, _COSINES)
    labels.barh(at, table["label_overlap"], height=0.6, color=PALETTE[4], label="most similar crop")
    chance = table["label_overlap_chance"]
    labels.vlines(chance, at - 0.38, at + 0.38, color=INK, ls="--", lw=1, label="any other crop")
    texts = ("codes", "mean cosine similarity", "labels shared with another crop")
    for axes, text in zip((counts, cosines, labels), texts, strict=True):
        axes.set_xlabel(text)
        axes.tick_params(axis="y", length=0)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=1, borderaxespad=0.2)
    counts.set_xlim(left=0)
    labels.set_xlim(0, 1)
    labels.xaxis.set_major_formatter(PercentFormatter(1))
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
        f"{Measured(row['confirmed'], row['low'], row['high']).shown} of "
        f"{many(row['tested'], 'tested code')} are confirmed, by chance {number(row['null'])}, median "
        f"difference {number(row['median_difference'])}; a crop "
        "shares "
        f"{percent(row['label_overlap'])} of its labels with the most similar crop and "
        f"{percent(row['label_overlap_chance'])} with any other crop"
        for _, row in table.iterrows()
    ]
    return "The same crops and the same test under each embedder. " + ". ".join(map(sentence, rows)) + "."
