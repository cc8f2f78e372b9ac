"""Vector quantization on the unit sphere."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.quantizers.config import CosineQuantizerConfig
from irislib.tokenizers.quantizers.nearest import nearest_codes, straight_through
from irislib.tokenizers.quantizers.protocol import FreeCodebook, Quantized


class CosineQuantizer(FreeCodebook):
    """The code with the largest cosine (Yu et al. 2022, ViT-VQGAN, arXiv 2110.04627, section 3.2).

    Codes and outputs are divided by their lengths before anything else, so the decoder sees unit vectors. The
    codebook learns by gradients, with the losses of `VectorQuantizer` between unit vectors. Nothing is zero,
    which is not on the sphere.
    """

    def __init__(self, config: CosineQuantizerConfig) -> None:
        super().__init__()
        self.commitment = config.commitment
        self.directions = nn.Parameter(torch.empty(config.vocab_size, config.embed_dim))

    def initialize(self) -> None:
        """See `Quantizer`; uniform on the sphere."""
        nn.init.normal_(self.directions)

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """See `Quantizer`; unit vectors."""
        return F.normalize(self.directions, dim=1)

    def quantize(self, z: Float[Tensor, "n channels h w"]) -> Quantized:
        """See `Quantizer`."""
        z = z.to(self.directions.dtype)
        unit, codebook = F.normalize(z, dim=1), self.codebook
        tokens = nearest_codes(unit, codebook)
        codes = F.embedding(tokens, codebook).movedim(-1, 1)
        losses = {
            "codebook": F.mse_loss(codes, unit.detach()),
            "commitment": self.commitment * F.mse_loss(unit, codes.detach()),
        }
        return Quantized(z, straight_through(unit, codes), tokens, losses)

    @torch.no_grad()
    def move_codes(self, which: Int64[Tensor, " n"], to: Float[Tensor, "n channels"]) -> None:
        """See `FreeCodebook`; the codes take the directions of the outputs."""
        self.directions.data[which] = F.normalize(to, dim=1)
