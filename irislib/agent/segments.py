"""Segments of episodes, as the world model and the policy see them."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64, Shaped
from torch import Tensor


@dataclass(frozen=True)
class SegmentBatch:
    """B segments of T steps, as the world model and the policy see them.

    Attributes:
        tokens: int64 [B,T,h,w], of the observations; 0 where padded.
        actions: int64 [B,T].
        rewards: float32 [B,T].
        ends: bool [B,T], the episode terminated.
        mask: bool [B,T], False where padded.
    """

    tokens: Int64[Tensor, "b t h w"]
    actions: Int64[Tensor, "b t"]
    rewards: Float32[Tensor, "b t"]
    ends: Bool[Tensor, "b t"]
    mask: Bool[Tensor, "b t"]

    def to(self, device: torch.device) -> "SegmentBatch":
        """The same batch on another device."""
        return SegmentBatch(*(getattr(self, f.name).to(device) for f in fields(self)))


def cut(column: Shaped[np.ndarray, "steps ..."], blocks: int, dtype: type) -> Shaped[Tensor, "b t ..."]:
    """An array of an episode's steps in segments that follow each other, the last padded behind with zeros.

    Args:
        column: T rows.
        blocks: steps of a segment.
        dtype: of the segments.
    """
    missing = [(0, -len(column) % blocks)] + [(0, 0)] * (column.ndim - 1)
    padded: np.ndarray = np.pad(column.astype(dtype), missing)
    return torch.from_numpy(padded.reshape(-1, blocks, *column.shape[1:]))
