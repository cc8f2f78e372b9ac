"""Dropout with a random stream for each thread, so that threads do not share torch's global one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

_thread = threading.local()


@contextmanager
def dropout_from(stream: torch.Generator | None) -> Iterator[None]:
    """Lets dropout on this thread draw from a stream; None is torch's global one, as outside of this."""
    before = current_stream()
    _thread.stream = stream
    try:
        yield
    finally:
        _thread.stream = before


def current_stream() -> torch.Generator | None:
    """What dropout on this thread draws from."""
    stream: torch.Generator | None = getattr(_thread, "stream", None)
    return stream


def drop(x: Float[Tensor, "..."], share: float) -> Float[Tensor, "..."]:
    """Sets a random share of the entries to zero and scales the others up, so that the mean stays."""
    kept = torch.rand(x.shape, device=x.device, generator=current_stream()) >= share
    return x * kept / (1 - share)


class Dropout(nn.Module):
    """`drop` while training; nothing otherwise."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return drop(x, self.share) if self.training and self.share > 0 else x
