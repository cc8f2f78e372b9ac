"""What came before a frame, and tokenizers that encode and decode a frame given that."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int, Int64, UInt8
from torch import Tensor

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


AnyTokenizer = FrameTokenizer | ContextTokenizer


def take(
    context: Context | None, rows: slice | Int[np.ndarray, " m"] | Int64[Tensor, " m"]
) -> Context | None:
    """The context of some of the frames; None where there is none."""
    return None if context is None else context.take(rows)
