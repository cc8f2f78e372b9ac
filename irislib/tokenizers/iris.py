"""The VQ tokenizer: frames to a grid of codes and back (IRIS, section 2.1)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.config import TokenizerConfig
from irislib.tokenizers.nets import Decoder, Encoder, frames_to_input


@dataclass(frozen=True)
class Quantized:
    """What the encoder makes of N frames.

    Attributes:
        z: float [N,C,h,w], before quantization.
        z_quantized: float [N,C,h,w], the nearest codes.
        tokens: int64 [N,h,w], their indices.
    """

    z: Tensor
    z_quantized: Tensor
    tokens: Tensor


class Tokenizer(nn.Module):
    """Encoder, codebook and decoder; parameter names follow the official checkpoints."""

    def __init__(self, config: TokenizerConfig, resolution: int) -> None:
        super().__init__()
        self.config = config
        self.grid = resolution // config.reduction  # tokens along each side of a frame
        self.encoder = Encoder(config, resolution)
        self.pre_quant_conv = nn.Conv2d(config.z_channels, config.embed_dim, kernel_size=1)
        self.embedding = nn.Embedding(config.vocab_size, config.embed_dim)
        self.post_quant_conv = nn.Conv2d(config.embed_dim, config.z_channels, kernel_size=1)
        self.decoder = Decoder(config, resolution)
        nn.init.uniform_(self.embedding.weight, -1 / config.vocab_size, 1 / config.vocab_size)

    @property
    def codebook(self) -> Tensor:
        """The codes, float [K,C]."""
        return self.embedding.weight

    def quantize(self, x: Tensor) -> Quantized:
        """Frames float [N,3,H,W] in [-1,1] to their nearest codes (squared Euclidean distance)."""
        z = self.pre_quant_conv(self.encoder(x)).to(self.codebook.dtype)
        flat = z.detach().movedim(1, -1).reshape(-1, z.shape[1])
        with torch.no_grad(), torch.autocast(z.device.type, enabled=False):
            # |z|^2 is the same for every code, so it cannot change the nearest one.
            distance = self.codebook.square().sum(1) - 2 * flat @ self.codebook.T
        tokens = distance.argmin(1).view(len(z), *z.shape[2:])
        return Quantized(z, self.embed(tokens), tokens)

    def embed(self, tokens: Tensor) -> Tensor:
        """Tokens int64 [N,h,w] to latents float [N,C,h,w]."""
        return self.embedding(tokens).movedim(-1, 1)  # type: ignore[no-any-return]

    def encode(self, frames: Tensor) -> Tensor:
        """Frames u8 [N,H,W,3] to tokens int64 [N,h,w]."""
        return self.quantize(frames_to_input(frames)).tokens

    def decode(self, latents: Tensor) -> Tensor:
        """Latents float [N,C,h,w] to frames float [N,3,H,W], nominally in [-1,1] but not clamped."""
        return self.decoder(self.post_quant_conv(latents))  # type: ignore[no-any-return]

    def decode_tokens(self, tokens: Tensor) -> Tensor:
        """Tokens int64 [N,h,w] to frames float [N,3,H,W] in [0,1], as the actor-critic sees them."""
        return ((self.decode(self.embed(tokens)) + 1) / 2).clamp(0, 1)

    def losses(
        self, frames: Tensor, perceptual: Callable[[Tensor, Tensor], Tensor] | None = None
    ) -> tuple[dict[str, Tensor], Quantized]:
        """The tokenizer's losses on frames u8 [N,H,W,3] (IRIS, equation 1); their sum is minimised.

        Also returns what the encoder made of the frames.

        Args:
            perceptual: maps two batches of frames in [-1,1] to a loss (LPIPS); left out by default.
        """
        x = frames_to_input(frames)
        out = self.quantize(x)
        # Straight-through estimator: the decoder's gradient reaches the encoder as if nothing were rounded.
        reconstruction = self.decode(out.z + (out.z_quantized - out.z).detach()).to(x.dtype)
        losses = {
            "reconstruction": (x - reconstruction).abs().mean(),
            "codebook": F.mse_loss(out.z_quantized, out.z.detach()),
            "commitment": F.mse_loss(out.z, out.z_quantized.detach()),
        }
        if self.config.squared_error > 0:
            losses["squared_error"] = self.config.squared_error * F.mse_loss(reconstruction, x)
        if perceptual is not None:
            losses["perceptual"] = self.config.lpips * perceptual(reconstruction, x)
        return losses, out


@torch.no_grad()
def perplexity(tokens: Tensor, vocab_size: int) -> float:
    """The effective number of codes among these tokens; see `usage_perplexity`."""
    return usage_perplexity(torch.bincount(tokens.flatten(), minlength=vocab_size))


def usage_perplexity(uses: Tensor) -> float:
    """The effective number of codes in use: exp of the entropy of their frequencies.

    Args:
        uses: int [K], number of tokens of each code.
    """
    share = uses.double()
    share /= share.sum()
    return float(torch.special.entr(share).sum().exp())
