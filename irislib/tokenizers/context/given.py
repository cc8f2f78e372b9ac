"""A tokenizer that needs the past, once the past of some frames is known."""

from functools import cached_property
from typing import cast

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from irislib.tokenizers.context.context import AnyTokenizer, Context, ContextTokenizer
from irislib.tokenizers.protocol import FrameTokenizer


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


def given(tokenizer: AnyTokenizer, context: Context | None) -> FrameTokenizer:
    """The tokenizer after the past of N frames; itself where it needs no past (context None)."""
    return (
        cast(FrameTokenizer, tokenizer)
        if context is None
        else Given(cast(ContextTokenizer, tokenizer), context)
    )


def after_black(tokenizer: AnyTokenizer, n: int) -> FrameTokenizer:
    """The tokenizer after n black frames and action 0, to try it; itself where it needs no past."""
    length = tokenizer.context_length
    if not length:
        return given(tokenizer, None)
    frames = torch.zeros(n, length, *cast(ContextTokenizer, tokenizer).frame, 3, dtype=torch.uint8)
    return given(tokenizer, Context(frames, torch.zeros(n, length, dtype=torch.int64)))


def of_rows(tokenizer: FrameTokenizer, rows: Int64[Tensor, " m"] | slice) -> FrameTokenizer:
    """The tokenizer for some of the frames that it was given the past of."""
    if not isinstance(tokenizer, Given):
        return tokenizer
    return Given(tokenizer.tokenizer, tokenizer.context.take(rows))


def module_of(tokenizer: AnyTokenizer) -> nn.Module | None:
    """The `nn.Module` whose submodules `layers` names; None where the tokenizer is no module."""
    found = tokenizer.tokenizer if isinstance(tokenizer, Given) else tokenizer
    return found if isinstance(found, nn.Module) else None
