"""Recorded frames through a tokenizer: to tokens, and back to images that are compared with the frames."""

import numpy as np
import torch
from jaxtyping import Float, Int16, UInt8

from irislib.tokenizers.context import AnyTokenizer, Context, given, take

BATCH = 64  # frames; fixed, so that the bits depend on the frames alone


@torch.no_grad()
def encode_frames(
    tokenizer: AnyTokenizer, frames: UInt8[np.ndarray, "n y x 3"], context: Context | None = None
) -> Int16[np.ndarray, "n h w"]:
    """The tokens of recorded frames.

    Args:
        tokenizer: on any device.
        frames: u8 [N,H,W,3].
        context: what came before each of them, for a tokenizer that needs it.

    Returns:
        int16 [N,h,w], as rollouts.zarr stores them.
    """
    tokens = np.empty((len(frames), *tokenizer.grid), np.int16)
    device = tokenizer.codebook.device
    for rows in batches(len(frames)):
        after = given(tokenizer, take(context, rows))
        tokens[rows] = after.encode(torch.from_numpy(frames[rows]).to(device)).cpu().numpy()
    return tokens


@torch.no_grad()
def reconstruct(
    tokenizer: AnyTokenizer, frames: UInt8[np.ndarray, "n y x 3"], context: Context | None = None
) -> UInt8[np.ndarray, "n y x 3"]:
    """Frames through the codebook and back.

    Args:
        tokenizer: in evaluation mode, on any device.
        frames: u8 [N,H,W,3].
        context: what came before each of them, for a tokenizer that needs it.

    Returns:
        u8 [N,H,W,3].
    """
    images = np.empty_like(frames)
    device = tokenizer.codebook.device
    for rows in batches(len(frames)):
        after = given(tokenizer, take(context, rows))
        tokens = after.encode(torch.from_numpy(frames[rows]).to(device))
        decoded = ((after.decode(after.embed(tokens)) + 1) / 2).clamp(0, 1)
        images[rows] = (255 * decoded).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return images


def psnr(
    frames: UInt8[np.ndarray, "n y x 3"], images: UInt8[np.ndarray, "n y x 3"]
) -> Float[np.ndarray, " n"]:
    """Peak signal-to-noise ratio of each frame in dB, -10 log10(mean squared error in [0,1]), float64 [N].

    Args:
        frames: u8 [N,H,W,3].
        images: u8 [N,H,W,3], their reconstructions. An equal one gives infinity.
    """
    error = (frames.astype(np.float64) - images.astype(np.float64)) / 255
    with np.errstate(divide="ignore"):
        ratio: np.ndarray = -10 * np.log10(np.square(error).mean(axis=(1, 2, 3)))
    return ratio


def reconstruction_psnr(
    tokenizer: AnyTokenizer, frames: UInt8[np.ndarray, "n y x 3"], context: Context | None = None
) -> Float[np.ndarray, " n"]:
    """`psnr` of frames and of what `reconstruct` makes of them, float64 [N]; batch by batch."""
    found = []
    for rows in batches(len(frames)):
        found.append(psnr(frames[rows], reconstruct(tokenizer, frames[rows], take(context, rows))))
    return np.concatenate(found)


def batches(count: int) -> list[slice]:
    """Rows of `BATCH` frames at a time."""
    return [slice(start, start + BATCH) for start in range(0, count, BATCH)]
