"""Present pairs of a few recorded observations, in batches that can be decoded and explained."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from irislib.artifacts import Store
from irislib.interpret.attribution.gradcam import mask_codes
from irislib.interpret.attribution.occurrences import Occurrences, find_occurrences
from irislib.tokenizers.iris import Tokenizer

# Mask before decoding (protocol step 1), so that a code is decoded alone; or after the gradient was taken on
# the whole observation, so that of the observation's map what lies at the code's positions is the code's.
Masking = Literal["before", "after"]


@dataclass(frozen=True)
class OccurrenceBatch:
    """N grids of latents to explain, and the P pairs whose maps come of them.

    Attributes:
        masking: see `Masking`.
        latents: float [N,C,h,w], zero but for `where`.
        where: bool [N,h,w].
        frames: u8 [N,H,W,3], what was observed.
        rows: the pairs, of all that the sample has.
        positions: bool [P,h,w], where each pair's code stands.
        owner: int64 [P], the grid that each pair's map comes of.
    """

    masking: Masking
    latents: Tensor
    where: Tensor
    frames: Tensor
    rows: slice
    positions: Tensor
    owner: Tensor

    def share_out(self, maps: Tensor) -> Tensor:
        """The pairs' maps, float [P,h',w'], from the grids' [N,h',w']."""
        if self.masking == "before":
            return maps
        kept = F.interpolate(self.positions[:, None].to(maps), maps.shape[1:], mode="nearest")
        return maps[self.owner] * kept[:, 0]


@dataclass(frozen=True)
class Sample:
    """T observations and all their present pairs.

    Attributes:
        tokenizer: that made the tokens.
        tokens: int64 [T,h,w].
        frames: u8 [T,H,W,3].
        pairs: `step` counts the observations of the sample.
    """

    tokenizer: Tokenizer
    tokens: Tensor
    frames: Tensor
    pairs: Occurrences

    def batches(self, masking: Masking, size: int) -> Iterator[OccurrenceBatch]:
        """All pairs in order; a batch decodes `size` grids."""
        step, device = self.pairs.step, self.tokens.device
        for start in range(0, len(step) if masking == "before" else len(self.tokens), size):
            rows = slice(start, start + size)
            if masking == "after":
                rows = slice(*np.searchsorted(step, [start, start + size]).tolist())
            code = torch.from_numpy(self.pairs.code[rows].astype(np.int64)).to(device)
            owner = torch.from_numpy(step[rows].astype(np.int64)).to(device)
            positions = self.tokens[owner] == code[:, None, None]
            if masking == "before":
                latents = mask_codes(self.tokenizer.codebook, code, positions)
                where, frames, owner = positions, self.frames[owner], torch.arange(len(owner), device=device)
            else:
                tokens, frames = (of[start : start + size] for of in (self.tokens, self.frames))
                latents, where = self.tokenizer.embed(tokens), torch.ones_like(tokens, dtype=torch.bool)
                owner = owner - start
            yield OccurrenceBatch(masking, latents, where, frames, rows, positions, owner)


def load_sample(rollouts: Store, tokenizer: Tokenizer, steps: np.ndarray) -> Sample:
    """The observations of these steps, on the tokenizer's device."""
    tokens, device = rollouts.read("token", steps), tokenizer.codebook.device
    return Sample(
        tokenizer,
        torch.from_numpy(tokens.astype(np.int64)).to(device),
        torch.from_numpy(rollouts.read("obs", steps)).to(device),
        find_occurrences(tokens),
    )
