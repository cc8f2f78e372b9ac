"""Recorded frames through a tokenizer: to tokens, and back to images that are compared with the frames."""

import numpy as np
import torch
from jaxtyping import Float, Int16, UInt8

from irislib.tokenizers.protocol import FrameTokenizer

BATCH = 64  # frames; fixed, so that the bits depend on the frames alone


@torch.no_grad()
def encode_frames(
    tokenizer: FrameTokenizer, frames: UInt8[np.ndarray, "n y x 3"]
) -> Int16[np.ndarray, "n h w"]:
    """The tokens of recorded frames.

    Args:
        tokenizer: on any device.
        frames: u8 [N,H,W,3].

    Returns:
        int16 [N,h,w], as rollouts.zarr stores them.
    """
    tokens = np.empty((len(frames), *tokenizer.grid), np.int16)
    device = tokenizer.codebook.device
    for start in range(0, len(frames), BATCH):
        batch = torch.from_numpy(frames[start : start + BATCH]).to(device)
        tokens[start : start + BATCH] = tokenizer.encode(batch).cpu().numpy()
    return tokens


@torch.no_grad()
def reconstruct(
    tokenizer: FrameTokenizer, frames: UInt8[np.ndarray, "n y x 3"]
) -> UInt8[np.ndarray, "n y x 3"]:
    """Frames through the codebook and back.

    Args:
        tokenizer: in evaluation mode, on any device.
        frames: u8 [N,H,W,3].

    Returns:
        u8 [N,H,W,3].
    """
    images = np.empty_like(frames)
    device = tokenizer.codebook.device
    for start in range(0, len(frames), BATCH):
        batch = torch.from_numpy(frames[start : start + BATCH]).to(device)
        decoded = ((tokenizer.decode(tokenizer.embed(tokenizer.encode(batch))) + 1) / 2).clamp(0, 1)
        images[start : start + BATCH] = (255 * decoded).round().byte().permute(0, 2, 3, 1).cpu().numpy()
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
    tokenizer: FrameTokenizer, frames: UInt8[np.ndarray, "n y x 3"]
) -> Float[np.ndarray, " n"]:
    """`psnr` of frames u8 [N,H,W,3] and their reconstructions, float64 [N]; batch by batch."""
    batches = (frames[start : start + BATCH] for start in range(0, len(frames), BATCH))
    return np.concatenate([psnr(batch, reconstruct(tokenizer, batch)) for batch in batches])
