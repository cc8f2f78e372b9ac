"""Fits the patch tokenizers: k-means on mean colours, and on all pixels of a patch."""

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from threadpoolctl import threadpool_limits

from irislib.baselines.k_means import group_means, k_means
from irislib.baselines.patch_tokenizer import MeanColours, Patches, cut_patches
from irislib.seeding import stream_seed

COMPONENTS = 64  # principal components of a patch; in Crafter they hold 96% of the variance


def fit_mean_colour(
    grid: tuple[int, int], codes: int, frames: UInt8[np.ndarray, "n y x 3"], seed: int
) -> MeanColours:
    """A tokenizer whose codes are K mean colours of patches.

    Args:
        grid: h and w.
        codes: K.
        frames: u8 [N,H,W,3], to learn from.
        seed: of the run.
    """
    colours = _patches(frames, grid).mean(1, dtype=np.float64)
    group = k_means(colours, codes, stream_seed(seed, "baseline", "mean_colour"))
    centres = torch.from_numpy(group_means(colours, group, codes)).float()
    return MeanColours(centres, grid, (frames.shape[1], frames.shape[2]))


def fit_patches(
    grid: tuple[int, int], codes: int, frames: UInt8[np.ndarray, "n y x 3"], seed: int
) -> Patches:
    """A tokenizer whose codes are K patches, each the mean of similar ones, rounded to whole numbers.

    Similar patches are found by their first principal components, which takes a tenth of the time.

    Args:
        grid: h and w.
        codes: K.
        frames: u8 [N,H,W,3], to learn from.
        seed: of the run.
    """
    pixels = _patches(frames, grid).reshape(len(frames) * grid[0] * grid[1], -1)
    group = k_means(_principal_components(pixels), codes, stream_seed(seed, "baseline", "patches"))
    centres = torch.from_numpy(group_means(pixels, group, codes).round()).float()
    return Patches(centres, grid, (frames.shape[1], frames.shape[2]))


def _patches(
    frames: UInt8[np.ndarray, "n y x 3"], grid: tuple[int, int]
) -> UInt8[np.ndarray, "patches pixels 3"]:
    """All patches of all frames, u8 [N h w, pixels, 3]."""
    patches: np.ndarray = cut_patches(torch.from_numpy(frames), grid).flatten(3, 4).flatten(0, 2).numpy()
    return patches


def _principal_components(
    rows: UInt8[np.ndarray, "n numbers"],
) -> Float64[np.ndarray, "n components"]:
    """The first `COMPONENTS` principal components of the rows, float64 [N,C]."""
    centred = rows - rows.mean(0, dtype=np.float64)
    with threadpool_limits(1):
        _, axes = np.linalg.eigh(centred.T @ centred)  # the largest last
        components: np.ndarray = centred @ axes[:, -COMPONENTS:]
    return components
