"""The occurrences in a few recorded observations, in batches that can be decoded and explained."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

from irislib.artifacts import Store
from irislib.interpret.attribution.gradcam import mask_codes
from irislib.interpret.attribution.occurrences import Occurrences, find_occurrences
from irislib.tokenizers.protocol import FrameTokenizer

# "before": the code is masked before decoding (protocol step 1), so that it is decoded alone.
# "after": the map of the whole observation is computed; a code's map is the part at the code's positions.
Masking = Literal["before", "after"]


@dataclass(frozen=True)
class OccurrenceBatch:
    """N grids of latents to explain, and the P occurrences whose maps are taken from theirs.

    Attributes:
        masking: see `Masking`.
        latents: float [N,C,h,w], blank where `where` is false.
        where: bool [N,h,w], the positions that are explained.
        frames: u8 [N,H,W,3], what was observed.
        rows: which of the sample's occurrences these are.
        positions: bool [P,h,w], where each occurrence's code stands.
        owner: int64 [P], the grid whose map each occurrence's map is taken from.
        blank: float [1,C,h,w].
    """

    masking: Masking
    latents: Float[Tensor, "n channels h w"]
    where: Bool[Tensor, "n h w"]
    frames: UInt8[Tensor, "n y x 3"]
    rows: slice
    positions: Bool[Tensor, "occurrences h w"]
    owner: Int64[Tensor, " occurrences"]
    blank: Float[Tensor, "1 channels h w"]

    def without_codes(self) -> Float[Tensor, "occurrences channels h w"]:
        """Each occurrence's grid with its code's positions made blank."""
        return torch.where(self.positions[:, None], self.blank, self.latents[self.owner])

    def share_out(self, maps: Float[Tensor, "n h2 w2"]) -> Float[Tensor, "occurrences h2 w2"]:
        """The occurrences' maps, float [P,h',w'], from the grids' [N,h',w']."""
        if self.masking == "before":
            return maps
        kept = F.interpolate(self.positions[:, None].to(maps), maps.shape[1:], mode="nearest")
        return maps[self.owner] * kept[:, 0]


@dataclass(frozen=True)
class Sample:
    """T observations and all occurrences in them.

    Attributes:
        tokenizer: that made the tokens.
        tokens: int64 [T,h,w].
        frames: u8 [T,H,W,3].
        occurrences: all of them; their `step` counts the observations of the sample.
    """

    tokenizer: FrameTokenizer
    tokens: Int64[Tensor, "t h w"]
    frames: UInt8[Tensor, "t y x 3"]
    occurrences: Occurrences

    def batches(self, masking: Masking, size: int) -> Iterator[OccurrenceBatch]:
        """All occurrences in order; a batch decodes `size` grids."""
        step, device = self.occurrences.step, self.tokens.device
        for start in range(0, len(step) if masking == "before" else len(self.tokens), size):
            rows = slice(start, start + size)
            if masking == "after":
                rows = slice(*np.searchsorted(step, [start, start + size]).tolist())
            code = torch.from_numpy(self.occurrences.code[rows].astype(np.int64)).to(device)
            owner = torch.from_numpy(step[rows].astype(np.int64)).to(device)
            positions = self.tokens[owner] == code[:, None, None]
            if masking == "before":
                latents = mask_codes(self.tokenizer, code, positions)
                where, frames, owner = positions, self.frames[owner], torch.arange(len(owner), device=device)
            else:
                tokens, frames = (of[start : start + size] for of in (self.tokens, self.frames))
                latents, where = self.tokenizer.embed(tokens), torch.ones_like(tokens, dtype=torch.bool)
                owner = owner - start
            blank = self.tokenizer.blank(1)
            yield OccurrenceBatch(masking, latents, where, frames, rows, positions, owner, blank)


def load_sample(rollouts: Store, tokenizer: FrameTokenizer, steps: Int[np.ndarray, " t"]) -> Sample:
    """The observations of these steps, on the tokenizer's device."""
    tokens, device = rollouts.read("token", steps), tokenizer.codebook.device
    return Sample(
        tokenizer,
        torch.from_numpy(tokens.astype(np.int64)).to(device),
        torch.from_numpy(rollouts.read("obs", steps)).to(device),
        find_occurrences(tokens),
    )
