"""The options of each kind of quantizer: `train.tokenizer.quantizer` in params.yaml."""

from dataclasses import dataclass, fields, replace
from math import prod
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le, Lt

from irislib.params import STRICT, one_of, require

MOST_CODES = 32767  # tokens are stored as int16

VocabSize = Annotated[int, Ge(2), Le(MOST_CODES)]
Count = Annotated[int, Ge(1)]
NonNegative = Annotated[int, Ge(0)]
Weight = Annotated[float, Ge(0)]
RevivedBy = Literal["chance", "distance"]


@dataclass(frozen=True)
class VectorQuantizerConfig:
    """Nearest code of a codebook that learns by gradients (`vq.VectorQuantizer`).

    Attributes:
        kind: chooses this quantizer.
        vocab_size: codes in the codebook (K).
        embed_dim: dimension of a code (C).
        revive_after: gradient steps without use after which a code is moved to an encoder output, counted
            anew in every epoch; 0 (IRIS) never moves one. See `revival.Revival`.
        revive_by: how these outputs are drawn. See `revival.Revival`.
    """

    __pydantic_config__ = STRICT
    kind: Literal["vq"]
    vocab_size: VocabSize
    embed_dim: Count
    revive_after: NonNegative
    revive_by: RevivedBy = "chance"


@dataclass(frozen=True)
class EMAQuantizerConfig:
    """Nearest code of a codebook of moving averages (`ema.EMAQuantizer`).

    Attributes:
        kind: chooses this quantizer.
        vocab_size: codes in the codebook (K).
        embed_dim: dimension of a code (C).
        revive_after: see `VectorQuantizerConfig`.
        decay: of the averages, a batch; the papers have 0.99.
        commitment: weight of the loss that moves outputs to their codes; the papers have 0.25.
        revive_by: see `VectorQuantizerConfig`.
    """

    __pydantic_config__ = STRICT
    kind: Literal["ema"]
    vocab_size: VocabSize
    embed_dim: Count
    revive_after: NonNegative
    decay: Annotated[float, Ge(0), Lt(1)] = 0.99
    commitment: Weight = 0.25
    revive_by: RevivedBy = "chance"


@dataclass(frozen=True)
class CosineQuantizerConfig:
    """Code with the largest cosine (`cosine.CosineQuantizer`).

    Attributes:
        kind: chooses this quantizer.
        vocab_size: codes in the codebook (K).
        embed_dim: dimension of a code (C); on a sphere, so at least 2.
        revive_after: see `VectorQuantizerConfig`.
        commitment: weight of the loss that moves outputs to their codes; the paper has 0.25.
    """

    __pydantic_config__ = STRICT
    kind: Literal["cosine"]
    vocab_size: VocabSize
    embed_dim: Annotated[int, Ge(2)]
    revive_after: NonNegative
    revive_by: ClassVar[RevivedBy] = "chance"
    commitment: Weight = 0.25


@dataclass(frozen=True)
class FSQConfig:
    """Channels that are rounded (`fsq.FiniteScalarQuantizer`).

    Attributes:
        kind: chooses this quantizer.
        levels: numbers that each channel is rounded to, one entry a channel. Their product is K and their
            number is C. The paper recommends at least 5: [8, 8] make 64 codes, [8, 8, 8] make 512, and
            [8, 8, 8, 8] make 4096.
    """

    __pydantic_config__ = STRICT
    kind: Literal["fsq"]
    levels: tuple[Annotated[int, Ge(3)], ...]
    revive_after: ClassVar[int] = 0
    revive_by: ClassVar[RevivedBy] = "chance"

    def __post_init__(self) -> None:
        require(len(self.levels) >= 1, "levels", "needs at least one channel, such as [8, 6, 5]")
        require(
            self.vocab_size <= MOST_CODES,
            "levels",
            f"{list(self.levels)} make {self.vocab_size} codes; use fewer, at most {MOST_CODES}",
        )

    @property
    def vocab_size(self) -> int:
        """Codes in the codebook (K)."""
        return prod(self.levels)

    @property
    def embed_dim(self) -> int:
        """Dimension of a code (C)."""
        return len(self.levels)


@dataclass(frozen=True)
class LFQConfig:
    """Signs of the channels (`lfq.LookupFreeQuantizer`).

    Attributes:
        kind: chooses this quantizer.
        vocab_size: codes (K), a power of 2; its logarithm is the dimension C.
        entropy: weight of the entropy loss.
        diversity: in the entropy loss, weight of the entropy of the mean distribution over the codes.
        temperature: of a position's distribution over the codes, a softmax of negative squared distances.
        commitment: weight of the loss that moves outputs to their codes.
    """

    __pydantic_config__ = STRICT
    kind: Literal["lfq"]
    vocab_size: VocabSize
    entropy: Weight = 0.1
    diversity: Weight = 1.0
    temperature: Annotated[float, Gt(0)] = 0.01
    commitment: Weight = 0.25
    revive_after: ClassVar[int] = 0
    revive_by: ClassVar[RevivedBy] = "chance"

    def __post_init__(self) -> None:
        size = self.vocab_size
        require(
            size & (size - 1) == 0,
            "vocab_size",
            f"{size} is not a power of 2, as lfq needs; use {1 << (size.bit_length() - 1)}",
        )

    @property
    def embed_dim(self) -> int:
        """Dimension of a code (C)."""
        return self.vocab_size.bit_length() - 1


@dataclass(frozen=True)
class SimVQConfig:
    """Nearest code of a frozen codebook under a learned linear map (`simvq.SimVectorQuantizer`).

    Attributes:
        kind: chooses this quantizer.
        vocab_size: codes in the codebook (K).
        embed_dim: dimension of a code (C).
        commitment: weight of the loss that moves outputs to their codes.
    """

    __pydantic_config__ = STRICT
    kind: Literal["simvq"]
    vocab_size: VocabSize
    embed_dim: Count
    commitment: Weight = 0.25
    revive_after: ClassVar[int] = 0
    revive_by: ClassVar[RevivedBy] = "chance"


# One dataclass a kind of quantizer; the field `kind` chooses among them.
QuantizerConfig = Annotated[
    VectorQuantizerConfig | EMAQuantizerConfig | CosineQuantizerConfig | FSQConfig | LFQConfig | SimVQConfig,
    one_of("kind"),
]

SIZES = ("kind", "vocab_size", "embed_dim", "levels")  # what shapes depend on; all else is about learning


def with_learning_of(sizes: QuantizerConfig, learning: QuantizerConfig) -> QuantizerConfig:
    """The sizes of one configuration with the other's options of learning, as far as its kind has them."""
    names = {option.name for option in fields(sizes)} - set(SIZES)
    options: dict[str, Any] = {name: getattr(learning, name) for name in names if hasattr(learning, name)}
    return replace(sizes, **options)
