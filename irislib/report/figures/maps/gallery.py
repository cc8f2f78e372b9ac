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
from irislib.report.style import BLUE, HEAT, INK, Illustration, bare, mark, new_figure, nothing_to_show
from irislib.report.wording import many, number, percent

FRAMES = 3  # of each code
CROPS = 5
ROW = 0.56  # inches
HEADING = "A gallery of codes"


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
        return nothing_to_show(
            "gallery", HEADING, "There is no map to show", "All maps are empty: no code changes a pixel."
        )
    first = ", the {consistent} consistent ones first" if top["consistent"].any() else ""
    caption = inputs.say(
        f"The {{rows:most used code}} with a map that is not empty{first}. Left: frames with the code's map "
        "laid over them; magenta means that the code changes much there. Right: different crops of the code. "
        "Both are evenly spaced over all that the code has, so nobody picked them. Cosine: mean similarity "
        "of the crops of the code; else: of the same places in other episodes.",
        rows=len(top),
        consistent=int(top["consistent"].sum()),
    )
    sure = int(top["consistent"].sum())
    sure_ones = number(sure) if sure else "none"
    title = f"Of the {many(len(top), 'most used code')}, {sure_ones} {'are' if sure > 1 else 'is'} consistent"
    figure = _draw(inputs, title, top, {one: seen[code == one] for one in top.index})
    names = {str(code): inputs.name_of(int(code)) for code in top.index}
    return Illustration("gallery", HEADING, caption, figure, names=names)


def _draw(inputs: Inputs, title: str, top: pd.DataFrame, seen: dict[int, Int[np.ndarray, "n"]]) -> Figure:
    """The rows; `seen` has the occurrences of each code whose map is not empty."""
    height = 0.75 + ROW * len(top)
    figure = new_figure(height, title, layout=None)
    place: dict[str, Any] = {"left": 0.012, "right": 0.995, "bottom": 0.05 / height, "top": 1 - 0.7 / height}
    grid = figure.subplots(
        len(top),
        1 + FRAMES + CROPS,
        squeeze=False,
        width_ratios=[2.4, *[1.0] * (FRAMES + CROPS)],
        gridspec_kw={**place, "wspace": 0.06, "hspace": 0.08},
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
    axes.imshow(overlay(frame, maps, [HEAT]), interpolation="none")


def _show_crop(axes: Axes, inputs: Inputs, row: int) -> None:
    step = inputs.crops.read("crop_step", slice(row, row + 1))
    y0, x0, y1, x1 = inputs.crops.read("crop_box", slice(row, row + 1))[0]
    axes.imshow(inputs.rollouts.read("obs", step)[0, y0:y1, x0:x1], interpolation="none")


def _write_facts(axes: Axes, code: Any, facts: Any) -> None:
    lines = [f"used {many(facts['uses'], 'time')}"]
    if np.isfinite(facts["consistency"]):
        lines.append(f"cosine {facts['consistency']:.2f}, else {facts['consistency_elsewhen']:.2f}")
    if isinstance(facts["label"], str):
        lines.append(f"{facts['label']} {percent(facts['label_share'])}")
    colour = BLUE if facts["consistent"] else INK
    verdict = ", consistent" if facts["consistent"] else ""
    name = axes.text(0, 0.97, f"code {code}{verdict}", va="top", weight="bold", color=colour)
    mark(name, "code", [code])
    axes.text(0, 0.68, "\n".join(lines), va="top", fontsize=7, linespacing=1.2)
