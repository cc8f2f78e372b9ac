"""Vector quantization whose codes are moving averages of the encoder outputs that they stand for."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from irislib import ranks
from irislib.tokenizers.quantizers.config import EMAQuantizerConfig
from irislib.tokenizers.quantizers.nearest import nearest_codes, straight_through
from irislib.tokenizers.quantizers.protocol import FreeCodebook, Quantized

EPSILON = 1e-5  # of the Laplace smoothing


class EMAQuantizer(FreeCodebook):
    """The nearest code; codes follow outputs by exponential moving averages, not by gradients.

    After each batch, with n_k outputs of code k and their sum s_k, and the decay d,

        N_k <- d N_k + (1 - d) n_k,    m_k <- d m_k + (1 - d) s_k,    e_k = m_k / N'_k

    (van den Oord et al. 2017, arXiv 1711.00937, appendix A.1), where N' is N after Laplace smoothing (Razavi
    et al. 2019, arXiv 1906.00446), which prevents a division by zero. It also draws a code to the origin that
    is not used for very long. The state holds e and N; m is their product, so float16 rounds codes and sizes
    alone. The sums of a batch are those of its parts, added up in order: the same bits for any number of
    threads and ranks. The loss is `commitment`. Nothing is zero.
    """

    means: Tensor
    cluster_size: Tensor

    def __init__(self, config: EMAQuantizerConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("means", torch.zeros(config.vocab_size, config.embed_dim))
        self.register_buffer("cluster_size", torch.ones(config.vocab_size))

    def initialize(self) -> None:
        """See `Quantizer`; uniform, with numbers of variance 1. Every code begins with N = 1."""
        nn.init.uniform_(self.means, -(3**0.5), 3**0.5)

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """See `Quantizer`; a buffer."""
        return self.means

    def quantize(self, z: Float[Tensor, "n channels h w"]) -> Quantized:
        """See `Quantizer`."""
        z = z.to(self.means.dtype)
        tokens = nearest_codes(z, self.means)
        codes = self.embed(tokens)
        losses = {"commitment": self.config.commitment * F.mse_loss(z, codes)}
        return Quantized(z, straight_through(z, codes), tokens, losses)

    @torch.no_grad()
    def after_batch(self, parts: Sequence[Quantized]) -> None:
        """See `Quantizer`; the step above."""
        own = torch.stack([self._statistics(part) for part in parts])
        total = torch.zeros_like(own[0])
        for statistics in ranks.gather(own):  # in the order of the parts
            total += statistics
        decay, old = self.config.decay, self._smoothed()
        self.cluster_size.mul_(decay).add_(total[:, 0], alpha=1 - decay)
        self.means.mul_(decay * old[:, None]).add_(total[:, 1:], alpha=1 - decay)
        self.means.div_(self._smoothed()[:, None])

    @torch.no_grad()
    def move_codes(self, which: Int64[Tensor, " n"], to: Float[Tensor, "n channels"]) -> None:
        """See `FreeCodebook`; a moved code has N = 1, as at the beginning."""
        self.means[which] = to
        self.cluster_size[which] = 1

    def _smoothed(self) -> Float[Tensor, " codes"]:
        """N': no zeros, and the same sum as N."""
        size, total = self.cluster_size, self.cluster_size.sum()
        return (size + EPSILON) / (total + len(size) * EPSILON) * total

    def _statistics(self, part: Quantized) -> Float[Tensor, "codes numbers"]:
        """How many outputs each code has, and their sum: float32 [K,1+C]."""
        outputs = part.z.movedim(1, -1).reshape(-1, part.z.shape[1])
        rows = torch.cat([torch.ones_like(outputs[:, :1]), outputs], 1)
        return rows.new_zeros(len(self.means), rows.shape[1]).index_add_(0, part.tokens.flatten(), rows)
