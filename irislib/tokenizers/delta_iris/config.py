"""The sizes of Δ-IRIS's tokenizer; names follow the released configuration of vmicheli/delta-iris."""

from dataclasses import dataclass
from typing import Literal

from irislib.params import STRICT, require
from irislib.tokenizers.config import Count

NORM_GROUPS = 32  # of every GroupNorm


@dataclass(frozen=True)
class NetConfig:
    """A stack of residual blocks between a frame and a grid of latents.

    Attributes:
        image_channels: of an encoder's input, or of a decoder's output.
        latent_dim: of an encoder's output, or of a decoder's input.
        num_channels: of the convolution next to the frame.
        mult: a residual block's output has so many times `num_channels`; the first is next to the frame.
        down: whether the resolution is halved after each block.
    """

    __pydantic_config__ = STRICT
    image_channels: Count
    latent_dim: Count
    num_channels: Count
    mult: tuple[Count, ...]
    down: tuple[Literal[0, 1], ...]

    def __post_init__(self) -> None:
        require(
            len(self.mult) == len(self.down) > 0,
            "down",
            f"{len(self.down)} values for {len(self.mult)} residual blocks; give one for each",
        )
        require(
            self.num_channels % NORM_GROUPS == 0,
            "num_channels",
            f"{self.num_channels} is not a multiple of {NORM_GROUPS}, the groups of the normalisation",
        )

    @property
    def reduction(self) -> int:
        """Pixels along the side of a latent."""
        side: int = 2 ** sum(self.down)
        return side


@dataclass(frozen=True)
class DeltaIrisConfig:
    """What fixes the tokenizer's shapes.

    Attributes:
        num_actions: size of the action space; the action before a frame is part of its context.
        vocab_size: codes, K.
        embed_dim: numbers of a code, C.
        side: tokens along the height and along the width of a frame.
        action_channels: of the action's plane in the decoder's input.
        encoder: reads frame, action and next frame together (2 * 3 + 1 channels).
        decoder: its input is the code's latents, the action's plane and the frame's latents.
        frame_cnn: reads the frame for the decoder.
    """

    __pydantic_config__ = STRICT
    kind: Literal["delta_iris"]
    num_actions: Count
    vocab_size: Count
    embed_dim: Count
    side: Count
    action_channels: Count
    encoder: NetConfig
    decoder: NetConfig
    frame_cnn: NetConfig

    def __post_init__(self) -> None:
        nets = (self.encoder, self.decoder, self.frame_cnn)
        require(len({net.reduction for net in nets}) == 1, "decoder", "the three nets differ in resolution")
        given = self.encoder.latent_dim + self.action_channels + self.frame_cnn.latent_dim
        require(
            self.decoder.latent_dim == given,
            "decoder.latent_dim",
            f"{self.decoder.latent_dim} is not the sum of what the decoder is given, {given}",
        )

    def grid(self, frame: tuple[int, int]) -> tuple[int, int]:
        """Tokens along the height and the width of a frame; its size changes nothing."""
        return self.side, self.side

    def latents(self, frame: tuple[int, int]) -> int:
        """Side of the grid of latents that the decoder is given.

        Raises:
            ValueError: the frame is not square, or does not divide into latents or these into tokens.
        """
        side = frame[0] // self.encoder.reduction
        whole = frame[0] == frame[1] == side * self.encoder.reduction
        require(
            whole and side > 0 and side % self.side == 0,
            "frame",
            f"{frame[0]} x {frame[1]} pixels do not divide into {self.side} x {self.side} tokens",
        )
        return side
