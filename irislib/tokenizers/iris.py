"""The tokenizer of IRIS: frames to a grid of codes and back (Micheli et al. 2023, section 2.1)."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.errors import ParamError
from irislib.tokenizers.config import TokenizerConfig
from irislib.tokenizers.nets import Decoder, Encoder, frames_to_input
from irislib.tokenizers.protocol import CODE_INPUT
from irislib.tokenizers.quantizers import Quantized, make_quantizer


class Tokenizer(nn.Module):
    """Encoder, quantizer and decoder: a `protocol.FrameTokenizer`.

    Parameter names follow the official checkpoints, but for the codebook: `quantizer.embedding.weight` here
    is `embedding.weight` there.

    Args:
        config: the sizes.
        frame: height and width of the frames, in pixels.

    Raises:
        ParamError: the frame does not divide into tokens.
    """

    context_length = 0
    local = True

    def __init__(self, config: TokenizerConfig, frame: tuple[int, int]) -> None:
        super().__init__()
        height, width = frame
        if height % config.reduction or width % config.reduction:
            raise ParamError(
                f"env: frames of {height} x {width} pixels do not divide into tokens of {config.reduction} x "
                f"{config.reduction}; use multiples of that, or another number of train.tokenizer.ch_mult"
            )
        self.config = config
        self.grid = (height // config.reduction, width // config.reduction)
        self.encoder = Encoder(config, height)
        self.pre_quant_conv = nn.Conv2d(config.z_channels, config.embed_dim, kernel_size=1)
        self.quantizer = make_quantizer(config.quantizer)
        self.post_quant_conv = nn.Conv2d(config.embed_dim, config.z_channels, kernel_size=1)
        self.decoder = Decoder(config, height)
        self.quantizer.initialize()

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """The codes, float [K,C]."""
        return self.quantizer.codebook

    def quantize(self, x: Float[Tensor, "n 3 y x"]) -> Quantized:
        """Frames float [N,3,H,W] in [-1,1] to codes."""
        return self.quantizer.quantize(self.pre_quant_conv(self.encoder(x)))

    def encode(
        self, frames: UInt8[Tensor, "n y x 3"] | UInt8[np.ndarray, "n y x 3"]
    ) -> Int64[Tensor, "n h w"]:
        """Frames u8 [N,H,W,3], a tensor or an array, to tokens int64 [N,h,w].

        Raises:
            TypeError: the frames are of another type or shape.
        """
        if not isinstance(frames, Tensor):
            frames = torch.as_tensor(frames, device=self.codebook.device)
        if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
            kind = str(frames.dtype).removeprefix("torch.")
            raise TypeError(f"frames: must be uint8 [N,H,W,3], not {kind} {list(frames.shape)}")
        return self.quantize(frames_to_input(frames)).tokens

    def embed(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n channels h w"]:
        """Tokens int64 [N,h,w] to latents float [N,C,h,w]."""
        return self.quantizer.embed(tokens)

    def decode(self, latents: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n 3 y x"]:
        """Latents float [N,C,h,w] to frames float [N,3,H,W], nominally in [-1,1] but not clamped."""
        return self.decoder(self.post_quant_conv(latents))  # type: ignore[no-any-return]

    def decode_tokens(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n 3 y x"]:
        """Tokens int64 [N,h,w] to frames float [N,3,H,W] in [0,1], as the actor-critic sees them."""
        return ((self.decode(self.embed(tokens)) + 1) / 2).clamp(0, 1)

    def blank(self, n: int) -> Float[Tensor, "n channels h w"]:
        """The quantizer's blank latent at every position, float [n,C,h,w]."""
        return self.quantizer.blank[None, :, None, None].repeat(n, 1, *self.grid)

    def layers(self) -> list[str]:
        """The code input, the convolutions before the decoder's blocks, and the blocks by resolution."""
        levels = reversed(range(len(self.decoder.up)))
        convolutions = ["post_quant_conv", "decoder.conv_in", "decoder.mid"]
        return [CODE_INPUT, *convolutions, *(f"decoder.up.{level}" for level in levels)]

    def losses(
        self, frames: UInt8[Tensor, "n y x 3"], perceptual: Callable[[Tensor, Tensor], Tensor] | None = None
    ) -> tuple[dict[str, Tensor], Quantized]:
        """The losses on frames u8 [N,H,W,3] (IRIS, equation 1), whose sum is minimised.

        Each is a mean over the frames, so the losses of a batch are the mean of those of equal parts of it;
        but the entropy loss of LFQ is about the frames of a part together.

        Args:
            frames: of the batch, or of a part of it.
            perceptual: maps two batches of frames in [-1,1] to a loss (LPIPS); left out by default.

        Returns:
            The losses by name, and what the quantizer made of the frames, for its `after_batch` and for
            `revival.Revival`.
        """
        x = frames_to_input(frames)
        out = self.quantize(x)
        reconstruction = self.decode(out.z_quantized).to(x.dtype)
        losses = {"reconstruction": (x - reconstruction).abs().mean(), **out.losses}
        if self.config.squared_error > 0:
            losses["squared_error"] = self.config.squared_error * F.mse_loss(reconstruction, x)
        if perceptual is not None:
            losses["perceptual"] = self.config.lpips * perceptual(reconstruction, x)
        return losses, out


@torch.no_grad()
def perplexity(tokens: Int64[Tensor, "..."], vocab_size: int) -> float:
    """The effective number of codes among these tokens; see `usage_perplexity`."""
    return usage_perplexity(torch.bincount(tokens.flatten(), minlength=vocab_size))


def usage_perplexity(uses: Int64[Tensor, " codes"]) -> float:
    """The effective number of codes in use: exp of the entropy of their frequencies.

    Args:
        uses: number of tokens of each code.
    """
    share = uses.double()
    share /= share.sum()
    return float(torch.special.entr(share).sum().exp())
