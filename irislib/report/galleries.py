"""Figures made of pixels: what codes light up, and what the tokenizer makes of a frame."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.inputs import Inputs
from irislib.report.pictures import distinct_crops, overlay
from irislib.report.style import BLUE, HEAT, INK, Illustration, bare, new_figure, nothing_to_show
from irislib.report.wording import label_name, many, number, percent
from irislib.tokenizers.protocol import FrameTokenizer
from irislib.tokenizers.reconstruction import psnr, reconstruct

FRAMES_A_CODE = 4
CROPS_A_CODE = 6
RECONSTRUCTIONS_A_ROW = 8


def gallery(inputs: Inputs, codes: int) -> Illustration:
    """Frames under the map of a code, and crops of it, for the most used codes with a non-empty map.

    Rows: the consistent codes first, most used first within both groups. Frames and crops are taken at
    even distances from the first to the last that the code has, so nobody picked them.

    Args:
        inputs: of the report.
        codes: rows, at most.
    """
    alive = inputs.heatmaps.read("map_raw_max") > 0
    occurrence_map = inputs.heatmaps.read("occurrence_map")
    occurrence_code = inputs.heatmaps.read("map_code")[occurrence_map]
    seen = np.flatnonzero(alive[occurrence_map])
    table = inputs.codes.loc[np.unique(occurrence_code[seen])]
    top = table.sort_values("uses", ascending=False, kind="stable").head(codes)
    top = top.sort_values("consistent", ascending=False, kind="stable")
    heading, title = "A gallery of codes", "What the most used codes light up, and what is under their maps"
    first = ", the {consistent} consistent ones first" if top["consistent"].any() else ""
    caption = inputs.say(
        "The {rows:most used code} with a map that is not empty"
        f"{first}: frames with the map laid over them, magenta where high, then different crops, both at "
        "even distances over all that the code has.",
        rows=len(top),
        consistent=int(top["consistent"].sum()),
    )
    if len(top) == 0:
        return nothing_to_show("gallery", heading, title, "No map has a positive value: no code lights up.")
    height = 0.74 + 1.05 * len(top)
    figure = new_figure(12, height, title, layout=None)
    columns = 1 + FRAMES_A_CODE + CROPS_A_CODE
    place = {"left": 0.012, "right": 0.99, "bottom": 0.12 / height, "top": 1 - 0.62 / height}
    widths = [2.05, *[1.0] * (columns - 1)]
    grid = figure.subplots(
        len(top),
        columns,
        squeeze=False,
        width_ratios=widths,
        gridspec_kw={**place, "wspace": 0.06, "hspace": 0.06},
    )
    crops = distinct_crops(inputs)
    for cells, (code, facts) in zip(grid, top.iterrows(), strict=True):
        for axes in cells:
            bare(axes)
        _write_facts(cells[0], code, facts)
        pairs = seen[occurrence_code[seen] == code]
        for axes, pair in zip(cells[1:], pairs[evenly_spaced(len(pairs), FRAMES_A_CODE)], strict=False):
            _show_map(axes, inputs, int(pair))
        rows = crops.index[crops["code"] == code]
        shown = rows[evenly_spaced(len(rows), CROPS_A_CODE)]
        for axes, row in zip(cells[1 + FRAMES_A_CODE :], shown, strict=False):
            _show_crop(axes, inputs, int(row))
    grid[0, 1].set_title("frames under the code's map")
    grid[0, 1 + FRAMES_A_CODE].set_title("crops under the code's maps")
    return Illustration("gallery", heading, caption, figure)


def reconstructions(inputs: Inputs, tokenizer: FrameTokenizer, frames: int) -> Illustration:
    """Frames at even distances over the rollouts, and what the tokenizer makes of them.

    Args:
        inputs: of the report.
        tokenizer: that made the rollouts' tokens.
        frames: how many, at most.
    """
    steps = evenly_spaced(len(inputs.rollouts), frames)
    originals = inputs.rollouts.read("obs", steps)
    images = reconstruct(tokenizer, originals)
    qualities = psnr(originals, images)
    title = inputs.say("What survives the codebook: PSNR {agent.psnr_db} dB over the rollouts")
    across = min(max(len(steps), 3), RECONSTRUCTIONS_A_ROW)
    blocks = math.ceil(len(steps) / across)
    figure = new_figure(0.7 + 1.35 * across, 0.55 + 2.85 * blocks, title)
    grid = figure.subplots(2 * blocks, across, squeeze=False)
    for axes in grid.flat:
        bare(axes)
    for place, (step, original, image, quality) in enumerate(
        zip(steps, originals, images, qualities, strict=True)
    ):
        block, column = divmod(place, across)
        above, below = grid[2 * block, column], grid[2 * block + 1, column]
        above.imshow(original, interpolation="nearest")
        below.imshow(image, interpolation="nearest")
        above.set_title(f"step {step:,}", loc="center", fontsize=8.5)
        below.set_xlabel(f"{number(quality)} dB" if math.isfinite(quality) else "exact", fontsize=8.5)
        if column == 0:
            above.set_ylabel("seen")
            below.set_ylabel("reconstructed")
    caption = inputs.say(
        "{shown:frame} of the rollouts above what the tokenizer makes of them; below each the peak "
        "signal-to-noise ratio, {agent.psnr_db} dB on average over the rollouts.",
        shown=len(steps),
    )
    return Illustration("reconstructions", "What the tokenizer keeps", caption, figure)


def _show_map(axes: Axes, inputs: Inputs, pair: int) -> None:
    step = inputs.heatmaps.read("occurrence_step", slice(pair, pair + 1))
    which = inputs.heatmaps.read("occurrence_map", slice(pair, pair + 1))
    frame = inputs.rollouts.read("obs", step)[0]
    axes.imshow(overlay(frame, inputs.heatmaps.read("heatmap", which), [HEAT]), interpolation="nearest")


def _show_crop(axes: Axes, inputs: Inputs, row: int) -> None:
    step = inputs.crops.read("crop_step", slice(row, row + 1))
    y0, x0, y1, x1 = inputs.crops.read("crop_box", slice(row, row + 1))[0]
    axes.imshow(inputs.rollouts.read("obs", step)[0, y0:y1, x0:x1], interpolation="nearest")


def _write_facts(axes: Axes, code: Any, facts: Any) -> None:
    lines = [f"used {many(facts['uses'], 'time')}"]
    if np.isfinite(facts["consistency"]):
        lines.append(f"cosine {facts['consistency']:.2f}, random {facts['consistency_random']:.2f}")
    if isinstance(facts["label"], str):
        lines.append(f"{label_name(facts['label'])} {percent(facts['label_share'])}")
    colour = BLUE if facts["consistent"] else INK
    verdict = ", consistent" if facts["consistent"] else ""
    axes.text(0, 0.97, f"code {code}{verdict}", va="top", weight="bold", color=colour, fontsize=11)
    axes.text(0, 0.7, "\n".join(lines), va="top", fontsize=9.5, linespacing=1.35)
