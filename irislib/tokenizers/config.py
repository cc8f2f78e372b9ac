"""The `train.tokenizer` section of params.yaml: a kind of tokenizer, its sizes, and what it learns from."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeVar

from annotated_types import Ge, Gt

from irislib.errors import ParamError
from irislib.params import STRICT, one_of, require
from irislib.tokenizers.quantizers.config import QuantizerConfig, with_learning_of
from irislib.tokenizers.quantizers.config import VectorQuantizerConfig as VectorQuantizerConfig

Count = Annotated[int, Ge(1)]
Weight = Annotated[float, Ge(0)]


@dataclass(frozen=True)
class NoAlignment:
    """Nothing asks codes to mean anything; the tokenizer learns to reconstruct frames alone."""

    __pydantic_config__ = STRICT
    kind: Literal["none"] = "none"


@dataclass(frozen=True)
class ContextSwapConfig:
    """A patch that is pasted into another frame must keep its code (`alignment.context_swap_loss`).

    Attributes:
        kind: chooses this alignment; it needs no labels.
        weight: of its loss.
    """

    __pydantic_config__ = STRICT
    kind: Literal["context_swap"]
    weight: Annotated[float, Gt(0)]


@dataclass(frozen=True)
class CompositionConfig:
    """Mixed tokens of two frames must show the patches of both (`alignment.composition_loss`).

    Attributes:
        kind: chooses this alignment; it needs no labels.
        weight: of its loss; 1 counts it as much as the reconstruction.
    """

    __pydantic_config__ = STRICT
    kind: Literal["composition"]
    weight: Annotated[float, Gt(0)]


@dataclass(frozen=True)
class LabelsConfig:
    """The code of a token must tell the labels of its patch (`alignment.LabelHead`).

    Attributes:
        kind: chooses this alignment; it needs frames with labels.
        weight: of its loss.
        frames: how many of the frames have labels.
    """

    __pydantic_config__ = STRICT
    kind: Literal["labels"]
    weight: Annotated[float, Gt(0)]
    frames: Count


AlignmentConfig = Annotated[
    NoAlignment | ContextSwapConfig | CompositionConfig | LabelsConfig, one_of("kind")
]

Config = TypeVar("Config", bound="LearnedConfig")


class LearnedConfig:
    """What the configurations of all kinds of tokenizers share.

    Attributes:
        quantizer: its kind and its options.
        lpips: weight of the perceptual loss (1.0 in IRIS); above 0 downloads VGG16's weights.
        squared_error: weight of the mean squared error (0 in IRIS). The absolute error alone is smallest
            when each pixel is the median of what it shows, which is plain grass; in IRIS the perceptual
            loss is what asks for the rare things.
        alignment: what else the codes are asked for.
    """

    quantizer: QuantizerConfig
    lpips: Weight
    squared_error: Weight
    alignment: AlignmentConfig

    @property
    def vocab_size(self) -> int:
        """Codes in the codebook (K)."""
        return self.quantizer.vocab_size

    @property
    def embed_dim(self) -> int:
        """Dimension of a code (C)."""
        return self.quantizer.embed_dim

    def learn_as(self: Config, other: "LearnedConfig") -> Config:
        """The same sizes, with the weights of the losses and the revival of another configuration."""
        return replace(  # type: ignore[type-var]  # every subclass is a dataclass
            self,
            quantizer=with_learning_of(self.quantizer, other.quantizer),
            lpips=other.lpips,
            squared_error=other.squared_error,
            alignment=other.alignment,
        )


@dataclass(frozen=True)
class IrisConfig(LearnedConfig):
    """IRIS's tokenizer: a convolutional encoder, a quantizer, a decoder (`iris.Tokenizer`).

    Attributes:
        z_channels: channels between the 1x1 convolutions around the quantizer and the nets.
        ch: channels at full resolution; `ch_mult` multiplies them, one entry a resolution.
        attn_resolutions: feature maps of these heights (pixels) get self-attention.
        kind: chooses this tokenizer; an agent's config.json of before there were kinds has none.
        attention: False takes all self-attention away, that of `attn_resolutions` and that in the middle.
        norm: "frame": activations are normalised in groups of channels over all positions of the frame
            (IRIS); "none": not at all. Without both attention and norms, a token sees nothing but what
            convolutions reach. Norms of each position alone would allow that too, but take away how bright
            a pixel is; such tokenizers hardly learned (docs/tokenizers.md).
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
    alignment: AlignmentConfig = NoAlignment()
    kind: Literal["iris"] = "iris"
    attention: bool = True
    norm: Literal["frame", "none"] = "frame"

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
        """Pixels along each side of the patch that one token stands for."""
        return int(2 ** (len(self.ch_mult) - 1))

    def grid(self, frame: tuple[int, int]) -> tuple[int, int]:
        """Tokens along the height and the width of a frame. Raises ParamError if it does not divide."""
        height, width = frame
        if height % self.reduction or width % self.reduction:
            raise ParamError(
                f"env: frames of {height} x {width} pixels do not divide into tokens of {self.reduction} x "
                f"{self.reduction}; use multiples of that, or another number of train.tokenizer.ch_mult"
            )
        return height // self.reduction, width // self.reduction


@dataclass(frozen=True)
class PatchConfig(LearnedConfig):
    """A tokenizer of square patches that are cut out of the frame (`patch.PatchAutoencoder`).

    Attributes:
        kind: chooses this tokenizer.
        patch: side of a patch, in pixels.
        offset: pixels left out at the top and at the left, before the first patch; smaller than a patch.
        width: channels of the networks.
        depth: layers of the encoder, and of the decoder, that see one patch alone.
        context: 3x3 convolutions over the grid of patches, in the encoder and in the decoder. With 0 a token
            depends on its own patch alone, with 1 on the 3x3 patches around, with 2 on 5x5.
    """

    __pydantic_config__ = STRICT
    kind: Literal["patch"]
    quantizer: QuantizerConfig
    patch: Count
    offset: Annotated[int, Ge(0)]
    width: Count
    depth: Annotated[int, Ge(0)]
    context: Annotated[int, Ge(0)]
    lpips: Weight = 0.0
    squared_error: Weight = 0.0
    alignment: AlignmentConfig = NoAlignment()

    def __post_init__(self) -> None:
        require(
            self.offset < self.patch,
            "offset",
            f"{self.offset} pixels leave out a whole patch of {self.patch}; use less than a patch",
        )

    def grid(self, frame: tuple[int, int]) -> tuple[int, int]:
        """Patches along the height and the width of a frame. Raises ParamError if not one fits."""
        height, width = ((side - self.offset) // self.patch for side in frame)
        if min(height, width) < 1:
            raise ParamError(
                f"train.tokenizer.patch: no patch of {self.patch} pixels at an offset of {self.offset} fits "
                f"frames of {frame[0]} x {frame[1]}; use a smaller one"
            )
        return height, width


# One dataclass a kind of tokenizer; the field `kind` chooses among them.
TokenizerConfig = Annotated[IrisConfig | PatchConfig, one_of("kind", default="iris")]


def norm_groups(channels: int) -> int:
    """Groups of a GroupNorm: the official 32 at 64 channels, never fewer than two channels a group."""
    return min(32, channels // 2)
