"""Segments of episodes, as the world model and the policy see them."""

from dataclasses import dataclass, fields

import torch
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

    tokens: Tensor
    actions: Tensor
    rewards: Tensor
    ends: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "SegmentBatch":
        """The same batch on another device."""
        return SegmentBatch(*(getattr(self, f.name).to(device) for f in fields(self)))
