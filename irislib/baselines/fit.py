"""All baseline tokenizers that can be made beside an analysed tokenizer."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from irislib.baselines.patch_means import fit_mean_colour, fit_patches
from irislib.baselines.untrained import fit_untrained
from irislib.device import one_thread
from irislib.seeding import stream
from irislib.tokenizers.checks import no_gradients
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.protocol import FrameTokenizer

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


def fit_baselines(analysed: FrameTokenizer, frames: UInt8[np.ndarray, "n y x 3"], seed: int) -> Baselines:
    """Makes the baselines, with the grid and the number of codes of an analysed tokenizer.

    They depend on the frames, the seed and the shapes, but not on the weights of the analysed tokenizer. All
    is computed on one thread of the CPU, so neither the number of threads nor the device changes a bit.

    Args:
        analysed: a tokenizer of these frames.
        frames: u8 [N,H,W,3], what was observed (`fitting_steps`).
        seed: of the run.
    """
    (height, width), (rows, columns), codes = frames.shape[1:3], analysed.grid, len(analysed.codebook)
    made: dict[str, FrameTokenizer] = {}
    left_out: dict[str, str] = {}
    with one_thread():
        if isinstance(analysed, LearnedTokenizer):
            made["untrained"] = fit_untrained(analysed.config, codes, frames, seed)
        else:
            left_out["untrained"] = f"the architecture of a {type(analysed).__name__} is not known"
        if rows <= height and columns <= width:
            made["mean_colour"] = fit_mean_colour(analysed.grid, codes, frames, seed)
            made["patches"] = fit_patches(analysed.grid, codes, frames, seed)
        else:
            reason = f"{height} x {width} pixels have no patches for {rows} x {columns} tokens"
            left_out |= {"mean_colour": reason, "patches": reason}
    device: torch.device = analysed.codebook.device
    return Baselines({name: no_gradients(one, device) for name, one in made.items()}, left_out)
