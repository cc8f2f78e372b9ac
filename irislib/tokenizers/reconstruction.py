"""What the tokenizer makes of a frame, and how close it comes."""

import numpy as np
import torch

from irislib.tokenizers.iris import Tokenizer

BATCH = 64  # frames


@torch.no_grad()
def reconstruct(tokenizer: Tokenizer, frames: np.ndarray) -> np.ndarray:
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
        decoded = tokenizer.decode_tokens(tokenizer.encode(batch))
        images[start : start + BATCH] = (255 * decoded).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return images


def psnr(frames: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each frame in dB, -10 log10(mean squared error in [0,1]), float64 [N].

    Args:
        frames: u8 [N,H,W,3].
        images: u8 [N,H,W,3], what became of them. An equal one gives infinity.
    """
    error = (frames.astype(np.float64) - images.astype(np.float64)) / 255
    with np.errstate(divide="ignore"):
        ratio: np.ndarray = -10 * np.log10(np.square(error).mean(axis=(1, 2, 3)))
    return ratio


def reconstruction_psnr(tokenizer: Tokenizer, frames: np.ndarray) -> np.ndarray:
    """`psnr` of frames u8 [N,H,W,3] to what the tokenizer makes of them, float64 [N]; batch by batch."""
    batches = (frames[start : start + BATCH] for start in range(0, len(frames), BATCH))
    return np.concatenate([psnr(batch, reconstruct(tokenizer, batch)) for batch in batches])
