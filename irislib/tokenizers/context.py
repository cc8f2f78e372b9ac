"""What came before a frame, for tokenizers that encode and decode a frame given the past.

Such a tokenizer (`ContextTokenizer`) is never analysed by itself. `given` puts the past of N frames before
it; the result is a `FrameTokenizer` of exactly these N frames, row by row.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64, UInt8
from torch import Tensor, nn

from irislib.tokenizers.protocol import FrameTokenizer


@dataclass(frozen=True, eq=False)
class Context:
    """What came before each of N frames.

    A frame with fewer predecessors has the first frame of its episode in their place, and action 0: nothing
    happened.

    Attributes:
        frames: u8 [N,L,H,W,3], the L frames before, oldest first.
        actions: int64 [N,L], the action taken in each of them.
    """

    frames: UInt8[Tensor, "n length y x 3"]
    actions: Int64[Tensor, "n length"]

    def __len__(self) -> int:
        return len(self.frames)

    def take(self, rows: slice | Int[np.ndarray, " m"] | Int64[Tensor, " m"]) -> "Context":
        """The context of some of the frames."""
        if isinstance(rows, np.ndarray):
            rows = torch.from_numpy(rows.astype(np.int64))
        return Context(self.frames[rows], self.actions[rows])

    def to(self, device: torch.device) -> "Context":
        """The same on a device."""
        return Context(self.frames.to(device), self.actions.to(device))


@runtime_checkable
class ContextTokenizer(Protocol):
    """A tokenizer with a `context_length` above 0: `FrameTokenizer`, with the past as one more argument.

    Attributes:
        frame: height and width of its frames, in pixels.
    """

    frame: tuple[int, int]
    grid: tuple[int, int]
    context_length: int
    local: bool

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """See `FrameTokenizer`."""
        ...

    def encode(self, frames: UInt8[Tensor, "n y x 3"], context: Context, /) -> Int64[Tensor, "n h w"]:
        """See `FrameTokenizer`."""
        ...

    def embed(self, tokens: Int64[Tensor, "n h w"], /) -> Float[Tensor, "n channels h w"]:
        """See `FrameTokenizer`."""
        ...

    def decode(
        self, latents: Float[Tensor, "n channels h w"], context: Context, /
    ) -> Float[Tensor, "n 3 y x"]:
        """See `FrameTokenizer`."""
        ...

    def blank(self, context: Context, /) -> Float[Tensor, "n channels h w"]:
        """Latents that mean "nothing is there" after each past: that nothing changes."""
        ...

    def layers(self) -> list[str]:
        """See `FrameTokenizer`."""
        ...


class Given:
    """A `FrameTokenizer` of N frames whose past is known: row i is decoded after the past of frame i."""

    context_length = 0

    def __init__(self, tokenizer: ContextTokenizer, context: Context) -> None:
        self.tokenizer = tokenizer
        self.context = context.to(tokenizer.codebook.device)
        self.grid, self.local = tokenizer.grid, tokenizer.local

    @property
    def codebook(self) -> Float[Tensor, "codes channels"]:
        """See `FrameTokenizer`."""
        return self.tokenizer.codebook

    def encode(self, frames: UInt8[Tensor, "n y x 3"]) -> Int64[Tensor, "n h w"]:
        """See `FrameTokenizer`."""
        return self.tokenizer.encode(frames, self.context)

    def embed(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n channels h w"]:
        """See `FrameTokenizer`."""
        return self.tokenizer.embed(tokens)

    def decode(self, latents: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n 3 y x"]:
        """See `FrameTokenizer`."""
        return self.tokenizer.decode(latents, self.context)

    def blank(self, n: int) -> Float[Tensor, "n channels h w"]:
        """See `FrameTokenizer`; n is the number of frames."""
        assert n == len(self.context)
        return self._blank

    @cached_property
    def _blank(self) -> Tensor:
        with torch.no_grad():
            return self.tokenizer.blank(self.context)

    def layers(self) -> list[str]:
        """See `FrameTokenizer`."""
        return self.tokenizer.layers()


AnyTokenizer = FrameTokenizer | ContextTokenizer


def given(tokenizer: AnyTokenizer, context: Context | None) -> FrameTokenizer:
    """The tokenizer after the past of N frames; itself where it needs no past (context None)."""
    return (
        cast(FrameTokenizer, tokenizer)
        if context is None
        else Given(cast(ContextTokenizer, tokenizer), context)
    )


def of_rows(tokenizer: FrameTokenizer, rows: Int64[Tensor, " m"] | slice) -> FrameTokenizer:
    """The tokenizer for some of the frames that it was given the past of."""
    if not isinstance(tokenizer, Given):
        return tokenizer
    return Given(tokenizer.tokenizer, tokenizer.context.take(rows))


def module_of(tokenizer: AnyTokenizer) -> nn.Module | None:
    """The `nn.Module` whose submodules `layers` names; None where the tokenizer is no module."""
    found = tokenizer.tokenizer if isinstance(tokenizer, Given) else tokenizer
    return found if isinstance(found, nn.Module) else None


def past_of(
    frames: UInt8[np.ndarray, "n y x 3"],
    actions: Int[np.ndarray, " n"],
    episode: Int[np.ndarray, " n"],
    length: int,
) -> Context | None:
    """The context of each of some consecutive observations; None where `length` is 0.

    Args:
        frames: of whole episodes.
        actions: taken in each of them.
        episode: of each of them.
        length: frames of a context, L.
    """
    if not length:
        return None
    rows, real = previous_rows(episode, length)
    before = np.where(real, actions[rows], 0).astype(np.int64)
    return Context(torch.from_numpy(frames[rows]), torch.from_numpy(before))


def previous_rows(
    episode: Int[np.ndarray, " n"], length: int
) -> tuple[Int64[np.ndarray, "n length"], Bool[np.ndarray, "n length"]]:
    """The rows of the L observations before each one, oldest first, and which of them there are.

    Args:
        episode: of each observation; an episode's rows are consecutive.
        length: L.

    Returns:
        The rows, with that of the episode's first observation where there is no earlier one; and where there
        is one.
    """
    first = np.flatnonzero(np.diff(episode, prepend=-1))
    start = np.repeat(first, np.diff(first, append=len(episode)))[:, None]
    rows = np.arange(len(episode))[:, None] - np.arange(length, 0, -1)
    return np.maximum(rows, start), rows >= start
