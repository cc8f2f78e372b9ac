"""Vector quantization whose codes move together: one learned linear map of a fixed random codebook."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from irislib.tokenizers.quantizers.config import SimVQConfig
from irislib.tokenizers.quantizers.nearest import nearest_codes, straight_through
from irislib.tokenizers.quantizers.protocol import Quantized, Quantizer


class SimVectorQuantizer(Quantizer):
    """The nearest code of a linearly transformed codebook (Zhu et al. 2024, SimVQ, arXiv 2411.02038).

    The random codebook stays as it was drawn, and the map learns. Every gradient moves all codes, so none is
    left behind, and none can be revived alone. The losses are those of `VectorQuantizer`. Nothing is zero.
    """

    frozen: Tensor

    def __init__(self, config: SimVQConfig) -> None:
        super().__init__()
        self.commitment = config.commitment
        self.register_buffer("frozen", torch.zeros(config.vocab_size, config.embed_dim))
        self.transform = nn.Linear(config.embed_dim, config.embed_dim, bias=False)

    def initialize(self) -> None:
        """See `Quantizer`; the frozen codes have lengths about 1, and the map begins as torch draws it."""
        nn.init.normal_(self.frozen, std=self.frozen.shape[1] ** -0.5)

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """See `Quantizer`; computed anew."""
        with torch.autocast(self.frozen.device.type, enabled=False):
            return self.transform(self.frozen)  # type: ignore[no-any-return]

    def quantize(self, z: Float[Tensor, "n channels h w"]) -> Quantized:
        """See `Quantizer`."""
        z, codebook = z.to(self.frozen.dtype), self.codebook
        tokens = nearest_codes(z, codebook)
        codes = F.embedding(tokens, codebook).movedim(-1, 1)
        losses = {
            "codebook": F.mse_loss(codes, z.detach()),
            "commitment": self.commitment * F.mse_loss(z, codes.detach()),
        }
        return Quantized(z, straight_through(z, codes), tokens, losses)
