"""The past of observations of recorded play, and tokenizers that look it up there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int, Int64, Shaped
from torch import Tensor

from irislib.tokenizers.context.context import AnyTokenizer, Context
from irislib.tokenizers.context.given import given
from irislib.tokenizers.protocol import FrameTokenizer

Read = Callable[[str, np.ndarray], np.ndarray]  # rows of an array, by the array's name
Past = Callable[[np.ndarray], Context | None]  # the context of some observations, by their rows


@dataclass(frozen=True)
class InPlay:
    """A tokenizer, and where it finds what came before an observation.

    Attributes:
        tokenizer: any.
        past: the context of observations; None for a tokenizer that needs none.
    """

    tokenizer: AnyTokenizer
    past: Past

    @classmethod
    def reading(cls, tokenizer: AnyTokenizer, read: Read) -> "InPlay":
        """Looks the past up in recorded play; see `past_of`."""
        return cls(tokenizer, lambda steps: past_of(read, steps, tokenizer.context_length))

    def at(self, steps: Int[np.ndarray, " n"]) -> FrameTokenizer:
        """The tokenizer of these observations; see `Given`."""
        return given(self.tokenizer, self.past(steps))

    def decode_blank(self, after: FrameTokenizer, n: int) -> Float[Tensor, "m 3 y x"]:
        """The images in which no code is, one for each of n frames, or one for all.

        Args:
            after: the tokenizer of these frames, from `at`.
            n: how many they are.
        """
        if self.tokenizer.context_length == 0:
            return self._nothing
        with torch.no_grad():
            return after.decode(after.blank(n))

    @cached_property
    def _nothing(self) -> Tensor:
        with torch.no_grad():
            alone = given(self.tokenizer, None)
            return alone.decode(alone.blank(1))


def past_of(read: Read, steps: Int[np.ndarray, " n"], length: int) -> Context | None:
    """The context of some observations of recorded play; None where `length` is 0.

    Args:
        read: gives rows of the arrays `obs` (u8 [T,H,W,3]), `action` and `episode` (int [T]) by their name:
            the `read` of a store of recorded play, or `in_memory`. An episode's rows are consecutive.
        steps: rows of the observations.
        length: frames of a context, L.
    """
    if not length:
        return None
    steps = steps.astype(np.int64)
    before = steps[:, None] - np.arange(length, 0, -1)
    own = _read_each(read, "episode", steps)[:, None]
    real = (before >= 0) & (_read_each(read, "episode", np.maximum(before, 0)) == own)
    rows = np.where(real, before, (steps - real.sum(1))[:, None])  # else the episode's first row
    actions = np.where(real, _read_each(read, "action", rows), 0).astype(np.int64)
    return Context(torch.from_numpy(_read_each(read, "obs", rows)), torch.from_numpy(actions))


def in_memory(arrays: Mapping[str, np.ndarray]) -> Read:
    """Reads rows of arrays by their name."""
    return lambda name, rows: arrays[name][rows]


def _read_each(read: Read, name: str, rows: Int64[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """An array's rows at some indices of any shape, each read once."""
    distinct, inverse = np.unique(rows, return_inverse=True)
    values = read(name, distinct)
    return values[inverse.reshape(rows.shape)]
