"""Losses that ask codes to stand for what is in their patches: `train.tokenizer.alignment`.

Reconstruction alone leaves open what a token says of its own patch and what of the rest of the frame.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.config import AlignmentConfig, CompositionConfig, ContextSwapConfig
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.nets import frames_to_input
from irislib.tokenizers.quantizers import Quantized

# Alignments that need another frame beside each frame.
WITH_OTHERS = ContextSwapConfig, CompositionConfig
TINY = 1e-8  # added to a variance that may be zero


def draw_kept(rng: np.random.Generator, frames: int, grid: tuple[int, int]) -> Bool[np.ndarray, "frames h w"]:
    """Which tokens' patches are pasted into another frame, bool [N,h,w].

    Each frame has a share of its own, uniform between 0 and 1: a few patches in a foreign frame are asked to
    keep their codes as well as a frame with a few foreign patches.
    """
    share = rng.random((frames, 1, 1))
    kept: np.ndarray = rng.random((frames, *grid)) < share
    return kept


def paste_patches(
    tokenizer: LearnedTokenizer,
    frames: UInt8[Tensor, "n y x 3"],
    others: UInt8[Tensor, "n y x 3"],
    kept: Bool[Tensor, "n h w"],
) -> UInt8[Tensor, "n y x 3"]:
    """The other frames with the kept patches of `frames`, each at its own place, u8 [N,H,W,3]."""
    rows, columns = tokenizer.window
    pixels = torch.zeros(frames.shape[:3], dtype=torch.bool, device=frames.device)
    patch = tokenizer.patch
    pixels[:, rows, columns] = kept.repeat_interleave(patch, 1).repeat_interleave(patch, 2)
    return torch.where(pixels[..., None], frames, others)


def alignment_losses(
    alignment: AlignmentConfig,
    tokenizer: LearnedTokenizer,
    frames: UInt8[Tensor, "n y x 3"],
    quantized: Quantized,
    others: UInt8[Tensor, "n y x 3"],
    kept: Bool[Tensor, "n h w"],
) -> dict[str, Float[Tensor, ""]]:
    """The loss of one of `WITH_OTHERS` by its name, times its weight; empty for the other kinds."""
    match alignment:
        case ContextSwapConfig(weight=weight):
            swapped = context_swap_loss(tokenizer, frames, quantized, others, kept)
            return {"context_swap": weight * swapped}
        case CompositionConfig(weight=weight):
            composed = composition_loss(tokenizer, frames, quantized, others, kept)
            return {"composition": weight * composed}
        case _:
            return {}


def composition_loss(
    tokenizer: LearnedTokenizer,
    frames: UInt8[Tensor, "n y x 3"],
    quantized: Quantized,
    others: UInt8[Tensor, "n y x 3"],
    kept: Bool[Tensor, "n h w"],
) -> Float[Tensor, ""]:
    """How badly mixed tokens of two frames are decoded to the patches of both, mixed in the same way.

    A token that told something of another patch, or that needed the rest of its frame to be understood, would
    be no use in the mixture. Other than `context_swap_loss`, it cannot be made small by codes that all say
    the same: the patches must be there. The tokens of the other frames are held fixed.

    Args:
        tokenizer: that learns.
        frames: of the batch, or of a part of it.
        quantized: what the tokenizer made of `frames`.
        others: frames to mix with.
        kept: tokens that are of `frames` in the mixture (`draw_kept`).

    Returns:
        The reconstruction error of the mixture, weighted as that of frames is (`LearnedTokenizer.losses`).
    """
    with torch.no_grad():
        fixed = tokenizer.quantize(frames_to_input(others)).z_quantized
    image = tokenizer.decode(torch.where(kept[:, None], quantized.z_quantized, fixed))
    target = frames_to_input(paste_patches(tokenizer, frames, others, kept))
    rows, columns = tokenizer.window
    error = (target - image.to(target.dtype))[:, :, rows, columns]
    return error.abs().mean() + tokenizer.config.squared_error * error.square().mean()


def context_swap_loss(
    tokenizer: LearnedTokenizer,
    frames: UInt8[Tensor, "n y x 3"],
    quantized: Quantized,
    others: UInt8[Tensor, "n y x 3"],
    kept: Bool[Tensor, "n h w"],
) -> Float[Tensor, ""]:
    """How much the latents of patches change when these patches are pasted into other frames.

    The squared difference between a kept patch's latent in its own frame and in the other one, each pulled
    to the other with the other held fixed, summed over kept patches and divided by all patches. It is
    relative to the variance of the latents: it cannot be made small by small latents, and means the same for
    every quantizer. The variance is that of a part of a batch, so losses of parts average to the batch's
    only nearly.

    Args:
        tokenizer: that learns.
        frames: of the batch, or of a part of it.
        quantized: what the tokenizer made of `frames`.
        others: frames to paste into.
        kept: which patches are pasted (`draw_kept`).
    """
    pasted = tokenizer.outputs(frames_to_input(paste_patches(tokenizer, frames, others, kept))).float()
    here = quantized.z.float()
    variance = here.detach().var((0, 2, 3), unbiased=False).sum() + TINY
    squares = (pasted - here.detach()).square() + (here - pasted.detach()).square()
    return (squares.sum(1) * kept).mean() / variance


class LabelHead(nn.Module):
    """Reads from a code which labels its patch shows. It learns beside the tokenizer, and is then dropped.

    Args:
        channels: C, dimension of a code.
        labels: L, how many there are.
    """

    def __init__(self, channels: int, labels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, labels)

    def loss(
        self, codes: Float[Tensor, "n channels h w"], histograms: Float[Tensor, "n h w labels"]
    ) -> Float[Tensor, ""]:
        """Cross-entropy between the labels' shares and what the head predicts, in nats; mean over the tokens.

        Its gradient reaches the encoder straight through the codes.

        Args:
            codes: of N frames, `Quantized.z_quantized`.
            histograms: share of each label's pixels in each token's patch, float [N,h,w,L]. Pixels without a
                label are in none; a token whose patch has no label at all carries no loss.
        """
        logits = self.linear(codes.movedim(1, -1)).float()
        return -(histograms * F.log_softmax(logits, -1)).sum(-1).mean()
