"""Lookup-free quantization: a code is the signs of the encoder's outputs."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from irislib.tokenizers.quantizers.config import LFQConfig
from irislib.tokenizers.quantizers.nearest import straight_through
from irislib.tokenizers.quantizers.protocol import Quantized, Quantizer

LEAST = 1e-5  # probability in a logarithm: the slope of p log p has no bound at 0


class LookupFreeQuantizer(Quantizer):
    """Each channel becomes -1 or 1 (Yu et al. 2023, MAGVIT-v2, arXiv 2310.05737, section 3.1).

    The first channel is the lowest bit of the token, and the codes are fixed. The losses are `commitment` and
    `entropy`, the mean entropy of a position's distribution over the codes, minus `diversity` times the
    entropy of the mean distribution: each position should choose one code, and all codes should be chosen.
    The mean is that of the part of a batch that is computed at once. The loss takes K numbers a position, so
    it is computed in training mode only. Nothing is zero, which is equally far from all codes.
    """

    codes: Tensor
    place_values: Tensor

    def __init__(self, config: LFQConfig) -> None:
        super().__init__()
        self.config = config
        values = 2 ** torch.arange(config.embed_dim)
        bits = torch.arange(config.vocab_size)[:, None] // values % 2
        self.register_buffer("codes", 2.0 * bits - 1, persistent=False)
        self.register_buffer("place_values", values, persistent=False)

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """See `Quantizer`; fixed."""
        return self.codes

    def quantize(self, z: Float[Tensor, "n channels h w"]) -> Quantized:
        """See `Quantizer`; an output of 0 becomes -1."""
        z = z.to(self.codes.dtype)
        positive = z > 0
        tokens = (positive * self.place_values[:, None, None]).sum(1)
        codes = torch.where(positive, 1.0, -1.0)
        losses = {"commitment": self.config.commitment * F.mse_loss(z, codes)}
        if self.training and self.config.entropy > 0:
            losses["entropy"] = self.config.entropy * self._entropy_loss(z)
        return Quantized(z, straight_through(z, codes), tokens, losses)

    def _entropy_loss(self, z: Float[Tensor, "n channels h w"]) -> Float[Tensor, ""]:
        flat = z.movedim(1, -1).flatten(0, 2)
        with torch.autocast(z.device.type, enabled=False):
            # -|z - code|^2, but for what is the same for every code.
            log_share = (2 * flat @ self.codes.T / self.config.temperature).log_softmax(1)
        share = log_share.exp()
        mean = share.mean(0)
        sure = -(share * log_share).sum(1).mean()
        used = -(mean * mean.clamp(min=LEAST).log()).sum()
        return sure - self.config.diversity * used
