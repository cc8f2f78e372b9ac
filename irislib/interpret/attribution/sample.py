"""Some occurrences in a few recorded observations, in batches that can be decoded and explained."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

from irislib.artifacts import Store
from irislib.interpret.attribution.gradcam import mask_codes
from irislib.interpret.attribution.occurrences import Occurrences, find_occurrences
from irislib.tokenizers.context import AnyTokenizer, Context, given, past_of, take
from irislib.tokenizers.protocol import FrameTokenizer

# "before": the code is masked before decoding (protocol step 1), so that it is decoded alone.
# "after": the map of the whole observation is computed; a code's map is the part at the code's positions.
Masking = Literal["before", "after"]


@dataclass(frozen=True)
class Selection:
    """T observations, and P occurrences in them; each observation has one at least.

    Attributes:
        steps: the observations, ascending.
        occurrences: their `step` counts the observations of the selection.
    """

    steps: Int64[np.ndarray, " t"]
    occurrences: Occurrences

    def __len__(self) -> int:
        """The number of observations, T."""
        return len(self.steps)

    def part(self, observations: range) -> "Selection":
        """These observations alone, of those of the selection."""
        first, last = observations.start, observations.stop
        kept = self.occurrences.take(slice(*np.searchsorted(self.occurrences.step, [first, last])))
        return Selection(self.steps[first:last], replace(kept, step=kept.step - np.int32(first)))


def select_occurrences(
    rollouts: Store, steps: Int[np.ndarray, " n"], wanted: int, rng: np.random.Generator
) -> Selection:
    """Draws occurrences of some observations, each with the same probability.

    Args:
        rollouts: recorded play.
        steps: the observations, ascending. Those of which no occurrence is drawn are left out.
        wanted: number of occurrences; all, where there are fewer.
        rng: source of the draws.
    """
    found = find_occurrences(rollouts.read("token", steps))
    chosen = found.take(np.sort(rng.permutation(len(found.step))[:wanted]))
    kept, step = np.unique(chosen.step, return_inverse=True)
    return Selection(steps[kept].astype(np.int64), replace(chosen, step=step.astype(np.int32)))


def select_all(rollouts: Store, steps: Int[np.ndarray, " n"]) -> Selection:
    """All occurrences of these observations, which ascend."""
    return Selection(steps.astype(np.int64), find_occurrences(rollouts.read("token", steps)))


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
        blank: float [N,C,h,w].
        tokenizer: of these N observations.
    """

    masking: Masking
    latents: Float[Tensor, "n channels h w"]
    where: Bool[Tensor, "n h w"]
    frames: UInt8[Tensor, "n y x 3"]
    rows: slice
    positions: Bool[Tensor, "occurrences h w"]
    owner: Int64[Tensor, " occurrences"]
    blank: Float[Tensor, "n channels h w"]
    tokenizer: FrameTokenizer

    def without_codes(self) -> Float[Tensor, "occurrences channels h w"]:
        """Each occurrence's grid with its code's positions made blank."""
        return torch.where(self.positions[:, None], self.blank[self.owner], self.latents[self.owner])

    def share_out(self, maps: Float[Tensor, "n h2 w2"]) -> Float[Tensor, "occurrences h2 w2"]:
        """The occurrences' maps, float [P,h',w'], from the grids' [N,h',w']."""
        if self.masking == "before":
            return maps
        kept = F.interpolate(self.positions[:, None].to(maps), maps.shape[1:], mode="nearest")
        return maps[self.owner] * kept[:, 0]


@dataclass(frozen=True)
class Sample:
    """T observations, and the occurrences in them that are explained.

    Attributes:
        tokenizer: that made the tokens.
        tokens: int64 [T,h,w].
        frames: u8 [T,H,W,3].
        episode: int [T].
        occurrences: some or all of them; their `step` counts the observations of the sample.
        context: what came before the observations, for a tokenizer that needs it.
    """

    tokenizer: AnyTokenizer
    tokens: Int64[Tensor, "t h w"]
    frames: UInt8[Tensor, "t y x 3"]
    episode: Int[np.ndarray, " t"]
    occurrences: Occurrences
    context: Context | None = None

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
            seen = step[rows] if masking == "before" else slice(start, start + size)
            tokenizer = given(self.tokenizer, take(self.context, seen))
            if masking == "before":
                latents = mask_codes(tokenizer, code, positions)
                where, frames, owner = positions, self.frames[owner], torch.arange(len(owner), device=device)
            else:
                tokens, frames = (of[start : start + size] for of in (self.tokens, self.frames))
                latents, where = tokenizer.embed(tokens), torch.ones_like(tokens, dtype=torch.bool)
                owner = owner - start
            blank = tokenizer.blank(len(latents))
            yield OccurrenceBatch(masking, latents, where, frames, rows, positions, owner, blank, tokenizer)


def load_sample(rollouts: Store, tokenizer: AnyTokenizer, selection: Selection) -> Sample:
    """The selected observations, on the tokenizer's device."""
    steps, device = selection.steps, tokenizer.codebook.device
    return Sample(
        tokenizer,
        torch.from_numpy(rollouts.read("token", steps).astype(np.int64)).to(device),
        torch.from_numpy(rollouts.read("obs", steps)).to(device),
        rollouts.read("episode", steps),
        selection.occurrences,
        past_of(rollouts.read, steps, tokenizer.context_length),
    )
