"""Figure: for the most used codes, frames under their maps and crops."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.inputs import Inputs
from irislib.report.pictures import distinct_crops, overlay, read_maps
from irislib.report.style import BLUE, HEAT, INK, Illustration, bare, new_figure, nothing_to_show
from irislib.report.wording import many, percent

FRAMES = 4  # of each code
CROPS = 6
HEADING = "A gallery of codes"
TITLE = "The most used codes: frames under their maps, and the crops"


def gallery(inputs: Inputs) -> Illustration:
    """The most used codes with a non-empty map; the consistent ones first.

    Frames and crops are evenly spaced over all that the code has, so that nobody selects them by hand.
    """
    occurrence_map = inputs.changes.read("occurrence_map")
    seen = np.flatnonzero((inputs.changes.read("map_raw_max") > 0)[occurrence_map])
    code = inputs.changes.read("map_code")[occurrence_map[seen]]
    table = inputs.codes.loc[np.unique(code)]
    top = table.sort_values("uses", ascending=False, kind="stable").head(inputs.config.codes)
    top = top.sort_values("consistent", ascending=False, kind="stable")
    if len(top) == 0:
        return nothing_to_show("gallery", HEADING, TITLE, "All maps are empty: no code changes a pixel.")
    first = ", the {consistent} consistent ones first" if top["consistent"].any() else ""
    caption = inputs.say(
        f"The {{rows:most used code}} with a map that is not empty{first}. Left: frames with the code's map "
        "laid over them; magenta means that the code changes much there. Right: different crops of the code. "
        "Both are taken at even distances from everything that the code has.",
        rows=len(top),
        consistent=int(top["consistent"].sum()),
    )
    figure = _draw(inputs, top, {one: seen[code == one] for one in top.index})
    return Illustration("gallery", HEADING, caption, figure)


def _draw(inputs: Inputs, top: pd.DataFrame, seen: dict[int, Int[np.ndarray, "n"]]) -> Figure:
    """The rows; `seen` has the occurrences of each code whose map is not empty."""
    height = 0.74 + 1.05 * len(top)
    figure = new_figure(12, height, TITLE, layout=None)
    place = {"left": 0.012, "right": 0.99, "bottom": 0.12 / height, "top": 1 - 0.62 / height}
    grid = figure.subplots(
        len(top),
        1 + FRAMES + CROPS,
        squeeze=False,
        width_ratios=[2.05, *[1.0] * (FRAMES + CROPS)],
        gridspec_kw={**place, "wspace": 0.06, "hspace": 0.06},
    )
    crops = distinct_crops(inputs)
    for cells, (code, facts) in zip(grid, top.iterrows(), strict=True):
        for axes in cells:
            bare(axes)
        _write_facts(cells[0], code, facts)
        occurrences = seen[code][evenly_spaced(len(seen[code]), FRAMES)]
        for axes, occurrence in zip(cells[1:], occurrences, strict=False):
            _show_map(axes, inputs, int(occurrence))
        rows = crops.index[crops["code"] == code]
        for axes, row in zip(cells[1 + FRAMES :], rows[evenly_spaced(len(rows), CROPS)], strict=False):
            _show_crop(axes, inputs, int(row))
        if len(rows) == 0:
            cells[1 + FRAMES].text(0, 0.5, "no crop", va="center", transform=cells[1 + FRAMES].transAxes)
    grid[0, 1].set_title("frames under the code's map")
    grid[0, 1 + FRAMES].set_title("crops under the code's maps")
    return figure


def _show_map(axes: Axes, inputs: Inputs, occurrence: int) -> None:
    row = slice(occurrence, occurrence + 1)
    frame = inputs.rollouts.read("obs", inputs.changes.read("occurrence_step", row))[0]
    maps = read_maps(inputs, inputs.changes.read("occurrence_map", row))
    axes.imshow(overlay(frame, maps, [HEAT]), interpolation="nearest")


def _show_crop(axes: Axes, inputs: Inputs, row: int) -> None:
    step = inputs.crops.read("crop_step", slice(row, row + 1))
    y0, x0, y1, x1 = inputs.crops.read("crop_box", slice(row, row + 1))[0]
    axes.imshow(inputs.rollouts.read("obs", step)[0, y0:y1, x0:x1], interpolation="nearest")


def _write_facts(axes: Axes, code: Any, facts: Any) -> None:
    lines = [f"used {many(facts['uses'], 'time')}"]
    if np.isfinite(facts["consistency"]):
        lines.append(f"cosine {facts['consistency']:.2f}")
        lines.append(f"elsewhere {facts['consistency_elsewhen']:.2f}")
    if isinstance(facts["label"], str):
        lines.append(f"{facts['label']} {percent(facts['label_share'])}")
    colour = BLUE if facts["consistent"] else INK
    verdict = ", consistent" if facts["consistent"] else ""
    axes.text(0, 0.97, f"code {code}{verdict}", va="top", weight="bold", color=colour, fontsize=11)
    axes.text(0, 0.72, "\n".join(lines), va="top", fontsize=9.5, linespacing=1.25)
