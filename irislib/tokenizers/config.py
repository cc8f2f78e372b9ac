"""The sizes of IRIS's tokenizer: the `train.tokenizer` section of params.yaml."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from irislib.params import STRICT, require

Count = Annotated[int, Ge(1)]
Weight = Annotated[float, Ge(0)]


@dataclass(frozen=True)
class TokenizerConfig:
    """The VQ tokenizer: a convolutional encoder, a codebook, a decoder.

    Attributes:
        vocab_size: codes in the codebook (K); tokens are stored as int16.
        embed_dim: dimension of a code (C).
        z_channels: channels between the 1x1 convolutions around the codebook and the nets.
        ch: channels at full resolution; `ch_mult` multiplies them, one entry a resolution.
        attn_resolutions: feature map sizes (pixels) that get self-attention.
        lpips: weight of the perceptual loss (1.0 in IRIS); above 0 downloads VGG16's weights.
        squared_error: weight of the mean squared error (0 in IRIS). The absolute error alone settles on
            each pixel's median, plain grass; in IRIS it is the perceptual loss that asks for the rare rest.
    """

    __pydantic_config__ = STRICT
    vocab_size: Annotated[int, Ge(2), Le(32767)]
    embed_dim: Count
    z_channels: Count
    ch: Annotated[int, Ge(2)]
    ch_mult: tuple[Count, ...]
    num_res_blocks: Count
    attn_resolutions: tuple[Count, ...]
    lpips: Weight = 0.0
    squared_error: Weight = 0.0

    def __post_init__(self) -> None:
        require(len(self.ch_mult) >= 1, "ch_mult", "needs at least one resolution")
        for mult in self.ch_mult:
            channels = self.ch * mult
            require(
                channels % norm_groups(channels) == 0,
                "ch",
                f"{channels} channels do not fill {norm_groups(channels)} groups; use a power of 2",
            )

    @property
    def reduction(self) -> int:
        """Pixels a token, along each side."""
        return int(2 ** (len(self.ch_mult) - 1))


def norm_groups(channels: int) -> int:
    """Groups of a GroupNorm: the official 32 at 64 channels, never fewer than two channels a group."""
    return min(32, channels // 2)
