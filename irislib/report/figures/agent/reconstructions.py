"""Figure: frames, and what the tokenizer reconstructs from their tokens."""

import math

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from matplotlib.figure import Figure

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.inputs import Inputs
from irislib.report.style import Illustration, bare, new_figure
from irislib.report.wording import number
from irislib.tokenizers.context import past_of
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.tokenizers.reconstruction import psnr, reconstruct

A_ROW = 8


def reconstructions(inputs: Inputs) -> Illustration:
    """Evenly spaced frames of the rollouts above their reconstructions."""
    # A few frames are reconstructed quickly on the CPU.
    tokenizer = load_recorded_tokenizer(inputs.rollouts, inputs.agent, torch.device("cpu"))
    steps = evenly_spaced(len(inputs.rollouts), inputs.config.frames)
    frames = inputs.rollouts.read("obs", steps)
    title = inputs.say("What the tokenizer keeps of a frame: PSNR {agent.psnr_db} dB on average")
    caption = inputs.say(
        "{shown:frame} at even distances over the rollouts, each above its reconstruction. The number is the "
        "peak signal-to-noise ratio (PSNR); its mean over the rollouts is {agent.psnr_db} dB.",
        shown=len(steps),
    )
    context = past_of(inputs.rollouts.read, steps, tokenizer.context_length)
    images = reconstruct(tokenizer, frames, context)
    figure = _draw(title, steps, frames, images, psnr(frames, images))
    return Illustration("reconstructions", "What the tokenizer keeps", caption, figure)


def _draw(
    title: str,
    steps: Int[np.ndarray, "n"],
    frames: UInt8[np.ndarray, "n h w 3"],
    images: UInt8[np.ndarray, "n h w 3"],
    qualities: Float[np.ndarray, "n"],
) -> Figure:
    across = min(max(len(steps), 3), A_ROW)
    blocks = math.ceil(len(steps) / across)
    figure = new_figure(0.7 + 1.35 * across, 0.55 + 2.85 * blocks, title)
    grid = figure.subplots(2 * blocks, across, squeeze=False)
    for axes in grid.flat:
        bare(axes)
    for place, (step, frame, image, quality) in enumerate(zip(steps, frames, images, qualities, strict=True)):
        block, column = divmod(place, across)
        above, below = grid[2 * block, column], grid[2 * block + 1, column]
        above.imshow(frame, interpolation="nearest")
        below.imshow(image, interpolation="nearest")
        above.set_title(f"observation {step:,}", loc="center", fontsize=8.5)
        below.set_xlabel(f"{number(quality)} dB" if math.isfinite(quality) else "exact", fontsize=8.5)
        if column == 0:
            above.set_ylabel("observed")
            below.set_ylabel("reconstructed")
    return figure
