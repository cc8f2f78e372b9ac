"""Vector quantization as in IRIS: a codebook that learns by gradients."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.quantizers.config import VectorQuantizerConfig
from irislib.tokenizers.quantizers.nearest import nearest_codes, straight_through
from irislib.tokenizers.quantizers.protocol import FreeCodebook, Quantized


class VectorQuantizer(FreeCodebook):
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

    def quantize(self, z: Float[Tensor, "n channels h w"]) -> Quantized:
        """See `Quantizer`."""
        z = z.to(self.codebook.dtype)
        tokens = nearest_codes(z, self.codebook)
        codes = self.embed(tokens)
        losses = {
            "codebook": F.mse_loss(codes, z.detach()),
            "commitment": F.mse_loss(z, codes.detach()),
        }
        return Quantized(z, straight_through(z, codes), tokens, losses)

    @torch.no_grad()
    def move_codes(self, which: Int64[Tensor, " n"], to: Float[Tensor, "n channels"]) -> None:
        """See `FreeCodebook`."""
        # Not in the weight itself: a backward pass that is still to come may have kept it.
        self.embedding.weight.data[which] = to
