"""All baseline tokenizers that can be made beside an analysed tokenizer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from irislib.baselines.patch_means import fit_mean_colour, fit_patches
from irislib.baselines.untrained import fit_untrained
from irislib.device import one_thread
from irislib.seeding import stream
from irislib.tokenizers.checks import no_gradients
from irislib.tokenizers.context import AnyTokenizer
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.protocol import FrameTokenizer

NAMES = ("untrained", "mean_colour", "patches")
FRAMES = 4000  # at most so many are learned from: enough for k-means, and a few seconds


@dataclass(frozen=True)
class Baselines:
    """What can be compared with an analysed tokenizer.

    Attributes:
        tokenizers: by name ("untrained", "mean_colour", "patches"), ready for use: in evaluation mode,
            without gradients, on the device of the analysed tokenizer.
        left_out: why a baseline could not be made, by its name.
    """

    tokenizers: dict[str, FrameTokenizer]
    left_out: dict[str, str]


def fitting_steps(observations: int, seed: int) -> Int64[np.ndarray, " frames"]:
    """Which observations baselines learn from: up to 4,000 drawn at random, in order.

    Args:
        observations: how many were recorded, T.
        seed: of the run.

    Returns:
        int64 [N], different and increasing, below T.
    """
    rng = stream(seed, "baseline", "frames")
    return np.sort(rng.choice(observations, min(FRAMES, observations), replace=False)).astype(np.int64)


def fit_baselines(analysed: AnyTokenizer, frames: UInt8[np.ndarray, "n y x 3"], seed: int) -> Baselines:
    """Makes all baselines that can be made; see `fit_baseline`."""
    reasons = left_out(analysed, (frames.shape[1], frames.shape[2]))
    made = {name: fit_baseline(name, analysed, frames, seed) for name in NAMES if name not in reasons}
    return Baselines(made, reasons)


def left_out(analysed: AnyTokenizer, frame: tuple[int, int]) -> dict[str, str]:
    """Why a baseline cannot be made, by its name.

    Args:
        analysed: a tokenizer.
        frame: H and W of its frames, in pixels.
    """
    (height, width), (rows, columns) = frame, analysed.grid
    reasons = {}
    if not isinstance(analysed, LearnedTokenizer):
        reasons["untrained"] = f"the architecture of a {type(analysed).__name__} is not known"
    if rows > height or columns > width:
        reason = f"{height} x {width} pixels have no patches for {rows} x {columns} tokens"
        reasons |= {"mean_colour": reason, "patches": reason}
    return reasons


def fit_baseline(
    name: str, analysed: AnyTokenizer, frames: UInt8[np.ndarray, "n y x 3"], seed: int
) -> FrameTokenizer:
    """Makes one baseline, with the grid and the number of codes of an analysed tokenizer.

    It depends on the frames, the seed and the shapes, but not on the weights of the analysed tokenizer. All
    is computed on one thread of the CPU, so neither the number of threads nor the device changes a bit.

    Args:
        name: one of `NAMES` that is not `left_out`.
        analysed: a tokenizer of these frames.
        frames: u8 [N,H,W,3], what was observed (`fitting_steps`).
        seed: of the run.
    """
    codes = len(analysed.codebook)
    with one_thread():
        if name == "untrained":
            assert isinstance(analysed, LearnedTokenizer)
            made: FrameTokenizer = fit_untrained(analysed.config, codes, frames, seed)
        else:
            fit = {"mean_colour": fit_mean_colour, "patches": fit_patches}[name]
            made = fit(analysed.grid, codes, frames, seed)
    ready: FrameTokenizer = no_gradients(made, analysed.codebook.device)
    return ready
