"""The sizes of IRIS's tokenizer: the `train.tokenizer` section of params.yaml."""

from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge

from irislib.params import STRICT, require
from irislib.tokenizers.quantizers.config import QuantizerConfig, with_learning_of
from irislib.tokenizers.quantizers.config import VectorQuantizerConfig as VectorQuantizerConfig

Count = Annotated[int, Ge(1)]
Weight = Annotated[float, Ge(0)]


@dataclass(frozen=True)
class TokenizerConfig:
    """IRIS's tokenizer: a convolutional encoder, a quantizer, a decoder.

    Attributes:
        quantizer: its kind and its options.
        z_channels: channels between the 1x1 convolutions around the quantizer and the nets.
        ch: channels at full resolution; `ch_mult` multiplies them, one entry a resolution.
        attn_resolutions: feature maps of these heights (pixels) get self-attention.
        lpips: weight of the perceptual loss (1.0 in IRIS); above 0 downloads VGG16's weights.
        squared_error: weight of the mean squared error (0 in IRIS). The absolute error alone is smallest
            when each pixel is the median of what it shows, which is plain grass; in IRIS the perceptual
            loss is what asks for the rare things.
    """

    __pydantic_config__ = STRICT
    quantizer: QuantizerConfig
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
    def vocab_size(self) -> int:
        """Codes in the codebook (K)."""
        return self.quantizer.vocab_size

    @property
    def embed_dim(self) -> int:
        """Dimension of a code (C)."""
        return self.quantizer.embed_dim

    @property
    def reduction(self) -> int:
        """Pixels along each side of the patch that one token stands for."""
        return int(2 ** (len(self.ch_mult) - 1))

    def learn_as(self, other: "TokenizerConfig") -> "TokenizerConfig":
        """The same sizes, with the weights of the losses and the revival of another configuration."""
        quantizer = with_learning_of(self.quantizer, other.quantizer)
        return replace(self, quantizer=quantizer, lpips=other.lpips, squared_error=other.squared_error)


def norm_groups(channels: int) -> int:
    """Groups of a GroupNorm: the official 32 at 64 channels, never fewer than two channels a group."""
    return min(32, channels // 2)
