"""Figure: the headline under each embedder."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from irislib.report.findings import Measured
from irislib.report.inputs import Inputs
from irislib.report.plain_names import EMBEDDERS
from irislib.report.style import BLUE, GREY, INK, Illustration, new_figure, nothing_to_show
from irislib.report.wording import between, many, number, percent, sentence

HEADING = "The same test with other embedders"
CHANCE = 0.33  # half the height of a line for chance


def embedders(inputs: Inputs) -> Illustration:
    """Confirmed codes, mean cosines, and how well nearest neighbours share labels, for each embedder."""
    return draw(inputs.embedders)


def draw(table: pd.DataFrame) -> Illustration:
    """The same from the table embedders.csv."""
    if table["tested"].sum() == 0:
        reason = "No code could be tested with any embedder: none has enough crops from enough episodes."
        return nothing_to_show("embedders", HEADING, "No code could be tested with any embedder", reason)
    figure = new_figure(1.7 + 0.3 * len(table), _title(table))
    counts, cosines, labels = figure.subplots(1, 3, sharey=True)
    at = np.arange(len(table))
    counts.hlines(at, table["low"], table["high"], color=INK, lw=1.2)
    _dots(counts, table["confirmed"], "confirmed (line: range)", BLUE, "o")
    _chance(counts, table["null"], "by chance", INK)
    _dots(cosines, table["mean_cosine"], "crops of one code", BLUE, "o", up=0.14)
    _dots(cosines, table["mean_cosine_elsewhen"], "other episodes", GREY, "s", up=-0.14)
    _dots(labels, table["label_overlap"], "most similar crop", BLUE, "o")
    _chance(labels, table["label_overlap_chance"], "any other crop", INK)
    texts = ("codes", "mean cosine similarity", "labels shared with\nanother crop")
    for axes, text in zip((counts, cosines, labels), texts, strict=True):
        axes.set_xlabel(text)
        axes.tick_params(axis="y", length=0)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.08, 1.0), borderaxespad=0.2, handletextpad=0.3)
    most = float(table[["high", "null", "confirmed"]].max(axis=None, skipna=True))
    counts.set_xlim(-0.04 * most, 1.05 * most)
    labels.set_xlim(-0.02, 1.02)
    labels.xaxis.set_major_formatter(PercentFormatter(1))
    lowest = table[["mean_cosine", "mean_cosine_elsewhen"]].min(axis=None, skipna=True)
    cosines.set_xlim(min(0.0, lowest) - 0.02, 1.02)
    for axes in (labels, cosines):
        axes.set_xticks([0, 0.5, 1])
    counts.set_yticks(at, [EMBEDDERS.get(name, name) for name in table["weights"]])
    counts.set_ylim(len(table) - 0.4, -0.6)
    return Illustration("embedders", HEADING, _caption(table), figure)


def _dots(axes: Axes, values: pd.Series, label: str, colour: Any, shape: str, up: float = 0.0) -> None:
    axes.scatter(
        values, np.arange(len(values)) - up, s=22, marker=shape, color=colour, lw=0, zorder=3, label=label
    )


def _chance(axes: Axes, values: pd.Series, label: str, colour: Any) -> None:
    at = np.arange(len(values))
    axes.vlines(values, at - CHANCE, at + CHANCE, color=colour, ls="--", lw=1.2, label=label)


def _title(table: pd.DataFrame) -> str:
    ends = between(table["confirmed"].min(), table["confirmed"].max())
    beyond = int((table["low"] > table["null"]).sum())
    names = many(len(table), "embedder")
    if not beyond:
        return f"With none of {names} are more codes confirmed than by chance ({ends} codes)"
    return f"With {number(beyond)} of {names} more codes are confirmed than by chance ({ends} codes)"


def _caption(table: pd.DataFrame) -> str:
    rows = [
        f"{EMBEDDERS.get(row['weights'], row['weights'])} ({number(row['dimension'])} features): "
        f"{Measured(row['confirmed'], row['low'], row['high']).shown} of "
        f"{many(row['tested'], 'tested code')} are confirmed, by chance {number(row['null'])}, median "
        f"difference {number(row['median_difference'])}; a crop "
        "shares "
        f"{percent(row['label_overlap'])} of its labels with the most similar crop and "
        f"{percent(row['label_overlap_chance'])} with any other crop"
        for _, row in table.iterrows()
    ]
    about = (
        "An embedder turns crops into features. Here are the same crops and the same test with each embedder."
    )
    return f"{about} {'. '.join(map(sentence, rows))}."
