"""Figure: frames, what the tokenizer reconstructs from their tokens, and which labels survive that."""

import math
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, INK, PALE, PAPER, SMALL, WIDTH, Illustration, bare, new_figure
from irislib.report.survival import reconstructed, survival, varied
from irislib.report.wording import listed, many, number, percent
from irislib.tokenizers.reconstruction import psnr

HEADING = "What the tokenizer keeps"
A_ROW = 8
NOTE = (
    "The decoder knows nothing but the codes: what it cannot draw, they hardly hold. A rectangle of the "
    "world is recognised by the average picture of a label that is nearest to it; averages are from observed "
    "frames of other episodes, by day."
)
MOST = 0.5  # share of a label's rectangles in which it must be recognised to count as kept


def reconstructions(inputs: Inputs) -> Illustration:
    """Varied frames above their reconstructions, and how often each label is still recognised."""
    steps = varied(inputs, inputs.config.frames)
    frames, images = reconstructed(inputs, steps)
    kept = survival(inputs)
    caption = inputs.say(
        "Above: {shown:frame} (number of the observation) that together show many labels, each above its "
        "reconstruction, with the peak signal-to-noise ratio (PSNR); its mean over the rollouts is "
        "{agent.psnr_db} dB.",
        shown=len(steps),
    )
    note = ""
    if len(kept):
        shares = [f"{row['label']} {percent(row['kept'])}" for _, row in kept.iterrows()]
        caption += (
            " Below: the share of the rectangles with a label in which that label is recognised, in the "
            "observed frame and in its reconstruction (line: 95% interval over episodes), and the PSNR "
            f"within these rectangles. Recognised in reconstructions: {listed(shares)}."
        )
        note = NOTE
    figure = _draw(_title(inputs, kept), steps, frames, images, kept)
    return Illustration("reconstructions", HEADING, caption, figure, note)


def _judged(kept: pd.DataFrame) -> pd.DataFrame:
    """The labels that the observed frame shows, so that they could be kept."""
    return kept[kept["seen"] >= MOST]


def _title(inputs: Inputs, kept: pd.DataFrame) -> str:
    judged = _judged(kept)
    if len(judged) == 0:
        return inputs.say("What the tokenizer keeps of a frame: PSNR {agent.psnr_db} dB on average")
    gone = list(judged["label"][judged["kept"] < MOST])
    if not gone:
        return f"All {many(len(judged), 'label')} that frames show are still there after reconstruction"
    what = f"{number(len(gone))} of {many(len(judged), 'label')} mostly vanish"
    return f"{what} in reconstructions: {listed(gone)}"


def _draw(
    title: str,
    steps: Int[np.ndarray, "n"],
    frames: UInt8[np.ndarray, "n h w 3"],
    images: UInt8[np.ndarray, "n h w 3"],
    kept: pd.DataFrame,
) -> Figure:
    across = min(max(len(steps), 3), A_ROW)
    blocks = math.ceil(len(steps) / across)
    above, below = 0.1 + blocks * (2 * WIDTH / across + 0.35), 0.75 + 0.17 * len(kept) if len(kept) else 0.0
    figure = new_figure(0.5 + above + below, title)
    # A figure needs a lower part only where labels can be judged.
    parts = figure.add_gridspec(2 if below else 1, 1, height_ratios=(above, below) if below else None)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03)  # type: ignore[union-attr, call-arg]
    grid = parts[0].subgridspec(2 * blocks, across).subplots(squeeze=False)
    for axes in grid.flat:
        bare(axes)
    qualities = psnr(frames, images)
    for place, (step, frame, image, quality) in enumerate(zip(steps, frames, images, qualities, strict=True)):
        block, column = divmod(place, across)
        upper, lower = grid[2 * block, column], grid[2 * block + 1, column]
        upper.imshow(frame, interpolation="none")
        lower.imshow(image, interpolation="none")
        upper.set_title(f"{step:,}", loc="center", fontsize=7, pad=2)
        lower.set_xlabel(f"{quality:.1f} dB" if math.isfinite(quality) else "exact", fontsize=7, labelpad=2)
        if column == 0:
            upper.set_ylabel("observed", fontsize=7)
            lower.set_ylabel("reconstr.", fontsize=7)
    if below:
        _draw_labels(figure.add_subplot(parts[1]), kept)
    return figure


def _draw_labels(axes: Axes, kept: pd.DataFrame) -> None:
    at = np.arange(len(kept))
    axes.hlines(at, kept["kept"], kept["seen"], color=PALE, lw=1)
    axes.hlines(at, kept["low"], kept["high"], color=INK, lw=1.2)
    seen: dict[str, Any] = {"facecolor": PAPER, "edgecolor": INK, "lw": 1}
    axes.scatter(kept["seen"], at, s=20, marker="s", zorder=3, label="in the observed frame", **seen)
    axes.scatter(kept["kept"], at, s=22, color=BLUE, lw=0, zorder=4, label="in its reconstruction")
    for row, quality in enumerate(kept["psnr_db"]):
        said = f"{quality:.1f} dB" if math.isfinite(quality) else "exact"
        axes.text(1.04, row, said, va="center", fontsize=SMALL)
    axes.set_yticks(at, [f"{row['label']} ({number(row['count'])})" for _, row in kept.iterrows()])
    axes.set_ylim(len(kept) - 0.4, -0.6)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("rectangles with this label (number) in which it is recognised")
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, handletextpad=0.1, borderaxespad=0.1)
