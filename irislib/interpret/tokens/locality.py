"""Does a token depend on its own patch alone (docs/protocol.md, step 11)?"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, Int64, Integer, UInt8

from irislib.interpret.observations.visible import Visible
from irislib.interpret.tokens.patches import PatchTruth
from irislib.seeding import stream
from irislib.tokenizers.context import AnyTokenizer, Context
from irislib.tokenizers.reconstruction import BATCH, encode_frames

DRAWS = 512  # tokens; a share of them has a standard error of at most 2.2%


@dataclass(frozen=True)
class Locality:
    """What becomes of tokens in frames that are put together from two.

    Attributes:
        kept: share of the tokens that stay the same when their own patch stays and all else is another frame.
        chance: share of the tokens that are the same in two frames of different episodes, at one place.
        others_kept: share that stay when their own patch is another frame's and all else stays.
        tokens: how many were drawn.
    """

    kept: float
    chance: float
    others_kept: float
    tokens: int

    @property
    def above_chance(self) -> float:
        """(kept - chance) / (1 - chance): 1 if the own patch decides, 0 if it tells nothing alone.

        NaN where chance is 1, as with a single code.
        """
        return (self.kept - self.chance) / (1 - self.chance) if self.chance < 1 else float("nan")


def measure_locality(
    tokenizer: AnyTokenizer,
    frames: UInt8[np.ndarray, "t y x 3"],
    tokens: Integer[np.ndarray, "t h w"],
    patches: PatchTruth,
    visible: Visible,
    seed: int,
    draws: int = DRAWS,
    context: Context | None = None,
) -> Locality:
    """Puts tokens' patches into frames of other episodes, and encodes again.

    Args:
        tokenizer: the analysed one.
        frames: what was observed.
        tokens: of these frames.
        patches: which tokens show the world, and their patches.
        visible: which observations show the world; others are not drawn.
        seed: of the draws.
        draws: tokens, and as many partners.
        context: what came before the frames, for a tokenizer that needs it. It is put together in the same
            way, but for the actions, which are the token's own.

    Returns:
        The shares; NaN where fewer than two episodes show the world.
    """
    step, other, which = draw_places(visible, len(patches.position), draws, seed)
    if len(step) == 0:
        return Locality(*(float("nan"),) * 3, tokens=0)
    position, flat = patches.position[which], tokens.reshape(len(tokens), -1)
    own, theirs = flat[step, position], flat[other, position]
    inside, outside = np.empty((2, len(step)), bool)
    for start in range(0, len(step), BATCH):
        rows = slice(start, start + BATCH)
        box = patches.box[which[rows]]
        for same, ground, patch in ((inside, other, step), (outside, step, other)):
            made = paste(frames[ground[rows]], frames[patch[rows]], box)
            before = paste_past(context, ground[rows], patch[rows], box, step[rows])
            same[rows] = tokens_at(tokenizer, made, position[rows], before) == own[rows]
    return Locality(float(inside.mean()), float((own == theirs).mean()), float(outside.mean()), len(step))


def tokens_at(
    tokenizer: AnyTokenizer,
    frames: UInt8[np.ndarray, "n y x 3"],
    position: Int[np.ndarray, " n"],
    context: Context | None = None,
) -> Int64[np.ndarray, " n"]:
    """The token of each frame at one position each, row by row."""
    tokens = encode_frames(tokenizer, frames, context).reshape(len(frames), -1)
    found: np.ndarray = tokens[np.arange(len(frames)), position].astype(np.int64)
    return found


def paste(
    ground: UInt8[np.ndarray, "n y x 3"],
    other: UInt8[np.ndarray, "n y x 3"],
    box: Int[np.ndarray, "n 4"],
) -> UInt8[np.ndarray, "n y x 3"]:
    """Frames with one box each that is cut from another frame, at the same place; it may exceed the frame."""
    made = ground.copy()
    for frame, source, (y0, x0, y1, x1) in zip(made, other, box, strict=True):
        frame[y0:y1, x0:x1] = source[y0:y1, x0:x1]
    return made


def paste_past(
    context: Context | None,
    ground: Int[np.ndarray, " n"],
    other: Int[np.ndarray, " n"],
    box: Int[np.ndarray, "n 4"],
    own: Int[np.ndarray, " n"],
) -> Context | None:
    """The past of pasted frames: earlier frames are pasted in the same way (`paste`).

    Args:
        context: of all observations.
        ground: the observations that are pasted into.
        other: those that are cut from.
        box: of each.
        own: the observations whose actions are kept.
    """
    if context is None:
        return None
    below, above = (context.take(rows).frames.unbind(1) for rows in (ground, other))
    made = [paste(a.numpy(), b.numpy(), box) for a, b in zip(below, above, strict=True)]
    return Context(torch.from_numpy(np.stack(made, axis=1)), context.take(own).actions)


def draw_places(
    visible: Visible, positions: int, draws: int, seed: int
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Draws observations, for each one another of a different episode, and a position.

    Args:
        visible: observations that do not show the world are not drawn.
        positions: how many there are.
        draws: n.
        seed: of the draws.

    Returns:
        The observations, their partners, and the positions; empty if there is no partner for any.
    """
    rng = stream(seed, "locality")
    shown = np.flatnonzero(visible.observation)
    order = shown[np.argsort(visible.episode[shown], kind="stable")]
    first, count = _runs(visible.episode[order])
    if len(first) < 2:
        return (np.zeros(0, np.int64),) * 3
    row = rng.integers(0, len(order), draws)
    run = np.searchsorted(first, row, side="right") - 1
    # A partner is any observation but those of the run: skip the run by a jump over it.
    other = rng.integers(0, len(order) - count[run])
    other += np.where(other >= first[run], count[run], 0)
    return order[row], order[other], rng.integers(0, positions, draws)


def _runs(values: Int[np.ndarray, " n"]) -> tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " m"]]:
    """The first row and the length of each run of equal values."""
    first = np.flatnonzero(np.diff(values, prepend=-1))
    return first, np.diff(first, append=len(values))
