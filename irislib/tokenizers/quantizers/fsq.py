"""Finite scalar quantization: each channel is rounded to a few levels, and nothing is looked up."""

import torch
from jaxtyping import Float
from torch import Tensor

from irislib.tokenizers.quantizers.config import FSQConfig
from irislib.tokenizers.quantizers.nearest import straight_through
from irislib.tokenizers.quantizers.protocol import Quantized, Quantizer

EPSILON = 1e-3  # bounds lie beyond the outermost levels by this share, so that rounding reaches them


class FiniteScalarQuantizer(Quantizer):
    """Bounded, then rounded, channel by channel (Mentzer et al. 2023, FSQ, arXiv 2309.15505).

    The codes are all combinations of levels; the first channel changes fastest. They are fixed, there is no
    loss, and no code needs to be revived. L levels are the whole numbers from -floor(L/2) on, divided by
    floor(L/2), as in the paper. Where L is even, the paper's pseudocode shifts outputs by tan(); its authors
    have since called atanh() the right one (lucidrains/vector-quantize-pytorch, issue 94). It is used here,
    and an output of 0 becomes the code 0.

    The origin is a code, so it cannot mean that nothing is there. `blank` lies half a level below it in every
    channel: as far from every code as a latent among them can be. If all numbers of levels are even, it is
    the mean of the codebook.
    """

    levels: Tensor
    codes: Tensor
    place_values: Tensor

    def __init__(self, config: FSQConfig) -> None:
        super().__init__()
        levels = torch.tensor(config.levels)
        values = torch.cumprod(torch.tensor((1, *config.levels[:-1])), 0)
        steps = torch.arange(config.vocab_size)[:, None] // values % levels - levels // 2
        # In the state, though the configuration has it: the same weights with other levels give other tokens.
        self.register_buffer("levels", levels.float())
        self.register_buffer("codes", steps / (levels // 2), persistent=False)
        self.register_buffer("place_values", values, persistent=False)

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """See `Quantizer`; fixed."""
        return self.codes

    @property
    def blank(self) -> Float[Tensor, " channels"]:
        """See `Quantizer`; halfway between codes."""
        return -0.5 / (self.levels // 2)

    def quantize(self, z: Float[Tensor, "n channels h w"]) -> Quantized:
        """See `Quantizer`; the gradient passes straight through the rounding, and through the bound."""
        z = z.to(self.codes.dtype)
        levels = self.levels[:, None, None]
        half, zero = (levels - 1) * (1 + EPSILON) / 2, levels // 2
        offset = torch.where(levels % 2 == 0, 0.5, 0.0)
        bounded = torch.tanh(z + torch.atanh(offset / half)) * half - offset
        # With a thousand levels the bounds are a whole level beyond the outermost ones.
        steps = bounded.detach().round().clamp(-zero, levels - 1 - zero)
        tokens = ((steps + zero).long() * self.place_values[:, None, None]).sum(1)
        return Quantized(z, straight_through(bounded, steps) / zero, tokens)
