"""Quantizers: from the encoder's outputs to codes. `train.tokenizer.quantizer.kind` chooses one."""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.config import QuantizerConfig, VectorQuantizerConfig


@dataclass(frozen=True)
class Quantized:
    """What a quantizer makes of the encoder's outputs for N frames.

    Attributes:
        z: float [N,C,h,w], the encoder's outputs.
        z_quantized: float [N,C,h,w], what the decoder is given; its gradient reaches `z`.
        tokens: int64 [N,h,w], the indices of the codes.
        losses: scalars by name, to be minimised beside the reconstruction's.
    """

    z: Float[Tensor, "n channels h w"]
    z_quantized: Float[Tensor, "n channels h w"]
    tokens: Int64[Tensor, "n h w"]
    losses: dict[str, Tensor] = field(default_factory=dict)


class Quantizer(Protocol):
    """The part of a tokenizer between its encoder and its decoder; an `nn.Module`."""

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """The codes, float [K,C]."""
        ...

    @property
    def blank(self) -> Float[Tensor, " channels"]:
        """The latent that means "nothing is there", float [C]."""
        ...

    def initialize(self) -> None:
        """Draws the codes that training begins with, from torch's generator."""
        ...

    def quantize(self, z: Float[Tensor, "n channels h w"], /) -> Quantized:
        """Encoder outputs to codes. Depends on each position alone, and draws nothing at random."""
        ...

    def embed(self, tokens: Int64[Tensor, "n h w"], /) -> Float[Tensor, "n channels h w"]:
        """Tokens int64 [N,h,w] to latents float [N,C,h,w]."""
        ...


class VectorQuantizer(nn.Module):
    """The nearest code of a learned codebook (van den Oord et al. 2017, arXiv 1711.00937).

    Its losses are `codebook`, which moves codes to the outputs that they stand for, and `commitment`, which
    moves the outputs to their codes; both are mean squared errors. Nothing is zero.
    """

    def __init__(self, config: VectorQuantizerConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocab_size, config.embed_dim)

    def initialize(self) -> None:
        """See `Quantizer`; uniform within 1/K of the origin, as in IRIS."""
        size = len(self.codebook)
        nn.init.uniform_(self.embedding.weight, -1 / size, 1 / size)

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """See `Quantizer`."""
        return self.embedding.weight

    @property
    def blank(self) -> Float[Tensor, " channels"]:
        """See `Quantizer`."""
        return torch.zeros_like(self.codebook[0])

    def quantize(self, z: Float[Tensor, "n channels h w"]) -> Quantized:
        """See `Quantizer`; nearest by Euclidean distance, with the straight-through estimator."""
        z = z.to(self.codebook.dtype)
        flat = z.detach().movedim(1, -1).reshape(-1, z.shape[1])
        with torch.no_grad(), torch.autocast(z.device.type, enabled=False):
            # |z|^2 is the same for every code, so it cannot change which is nearest.
            distance = self.codebook.square().sum(1) - 2 * flat @ self.codebook.T
        tokens = distance.argmin(1).view(len(z), *z.shape[2:])
        codes = self.embed(tokens)
        losses = {
            "codebook": F.mse_loss(codes, z.detach()),
            "commitment": F.mse_loss(z, codes.detach()),
        }
        return Quantized(z, z + (codes - z).detach(), tokens, losses)

    def embed(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n channels h w"]:
        """See `Quantizer`."""
        return self.embedding(tokens).movedim(-1, 1)  # type: ignore[no-any-return]


def make_quantizer(config: QuantizerConfig) -> VectorQuantizer:
    """The quantizer that this configuration chooses, untrained."""
    return VectorQuantizer(config)
