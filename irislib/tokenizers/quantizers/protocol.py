"""What a tokenizer needs of its quantizer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F


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


class Quantizer(nn.Module, ABC):
    """The part of a tokenizer between its encoder and its decoder.

    It computes in float32, also where the networks around it use bfloat16: rounded distances would choose
    other codes. Everything that its tokens depend on is in its state dict, as floating-point numbers.
    """

    @property
    @abstractmethod
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """The codes, float [K,C]."""

    @property
    def blank(self) -> Float[Tensor, " channels"]:
        """The latent that means "nothing is there", float [C]; it is not a code. Zeros by default."""
        return torch.zeros_like(self.codebook[0])

    def initialize(self) -> None:
        """Draws the codes that training begins with, from torch's generator; by default there are none."""

    @abstractmethod
    def quantize(self, z: Float[Tensor, "n channels h w"], /) -> Quantized:
        """Encoder outputs to codes. Depends on each position alone, and draws nothing at random."""

    def embed(self, tokens: Int64[Tensor, "n h w"], /) -> Float[Tensor, "n channels h w"]:
        """Tokens int64 [N,h,w] to latents float [N,C,h,w]."""
        return F.embedding(tokens, self.codebook).movedim(-1, 1)

    def after_batch(self, parts: Sequence[Quantized], /) -> None:
        """Learns from a training batch what no gradient teaches; by default nothing.

        Called between the backward pass and the optimizer's step, in one thread.

        Args:
            parts: of the batch, in order; among several ranks, those of this rank.
        """


class FreeCodebook(Quantizer):
    """A quantizer whose codes are vectors that can be put anywhere, each alone."""

    @abstractmethod
    def move_codes(self, which: Int64[Tensor, " n"], to: Float[Tensor, "n channels"], /) -> None:
        """Replaces the codes with these indices, int64 [n], by these encoder outputs, float [n,C]."""
