"""How far around its own patch a token sees: measured by its code, and the most that the encoder allows."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, UInt8

from irislib.interpret.tokens.locality import paste, paste_past, tokens_at
from irislib.seeding import stream
from irislib.tokenizers.context import AnyTokenizer, Context, take
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.nets import frames_to_input

TOKENS = 256  # drawn ones; a share near 0.95 of them has a standard error of 1.4%
SHARE = 0.95  # of the tokens must stay
RADII = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
PROBED, PROBED_TOKENS = 2, 81  # frames and tokens whose gradients are looked at


@dataclass(frozen=True)
class ReceptiveField:
    """How far tokens see, in pixels around their own patches.

    Attributes:
        kept: share of the tokens that keep their code when the pixels up to so many around their patch stay,
            and all others are another frame's; by this radius. The last radius spans the whole frame.
        window: the smallest radius at which 95% of the tokens stay.
        extent: pixels around the patch that can change what is quantized at all, whatever their effect, the
            largest of all tokens; None for a tokenizer that is not irislib's.
    """

    kept: dict[int, float]
    window: int
    extent: int | None


def measure_receptive_field(
    tokenizer: AnyTokenizer,
    boxes: Int[np.ndarray, "position 4"],
    frames: UInt8[np.ndarray, "t y x 3"],
    episode: Int[np.ndarray, " t"],
    seed: int,
    tokens: int = TOKENS,
    context: Context | None = None,
) -> ReceptiveField:
    """Replaces what lies far from tokens by another episode's frame, and encodes again.

    Args:
        tokenizer: the analysed one.
        boxes: the patch of each token, row by row: (y0, x0, y1, x1) in pixels, half open.
        frames: that show the world.
        episode: of each frame, at least two different ones.
        seed: of the draws.
        tokens: how many are drawn.
        context: what came before the frames, for a tokenizer that needs it; replaced in the same way, but for
            the actions.
    """
    rng = stream(seed, "receptive field")
    step = rng.integers(len(frames), size=tokens)
    other = np.array([rng.choice(np.flatnonzero(episode != one)) for one in episode[step]], np.int64)
    position = rng.integers(len(boxes), size=tokens)
    box, size = boxes[position].astype(np.int64), np.array(frames.shape[1:3])
    whole = int(np.maximum(boxes[:, :2], size - boxes[:, 2:]).max())
    own = tokens_at(tokenizer, frames[step], position, take(context, step))
    kept: dict[int, float] = {}
    for radius in (*(r for r in RADII if r < whole), whole):
        window_box = np.concatenate([np.maximum(box[:, :2] - radius, 0), box[:, 2:] + radius], axis=1)
        made = paste(frames[other], frames[step], window_box)
        before = paste_past(context, other, step, window_box, step)
        again = tokens_at(tokenizer, made, position, before)
        kept[radius] = float((again == own).mean())
    window = next(radius for radius, share in kept.items() if share >= SHARE)
    return ReceptiveField(kept, window, gradient_extent(tokenizer, boxes, frames[step[:PROBED]], seed))


def gradient_extent(
    tokenizer: AnyTokenizer,
    boxes: Int[np.ndarray, "position 4"],
    frames: UInt8[np.ndarray, "n y x 3"],
    seed: int,
) -> int | None:
    """The farthest pixel around a token's patch that has a gradient; see `ReceptiveField`.

    The largest over the tokens, of which up to 81 are looked at, the first and the last among them.

    Args:
        tokenizer: a `LearnedTokenizer`; for any other the result is None.
        boxes: the patch of each token, row by row.
        frames: any few.
        seed: of the weights with which the channels of a token's output are summed.
    """
    if not isinstance(tokenizer, LearnedTokenizer):
        return None
    extent = 0
    with torch.enable_grad():
        x = frames_to_input(torch.from_numpy(frames).to(tokenizer.codebook.device)).requires_grad_()
        outputs = tokenizer.outputs(x)
        weights = stream(seed, "receptive field", "channels").normal(size=outputs.shape[1])
        sums = torch.einsum("nchw,c->hw", outputs, torch.from_numpy(weights).to(outputs)).flatten()
        for position in np.unique(np.linspace(0, len(boxes) - 1, PROBED_TOKENS).round().astype(np.int64)):
            box = boxes[position].astype(np.int64)
            (gradient,) = torch.autograd.grad(sums[position], x, retain_graph=True)
            y, x_ = np.nonzero((gradient != 0).any(1).any(0).cpu().numpy())
            if len(y):
                reach = [box[0] - y.min(), box[1] - x_.min(), y.max() + 1 - box[2], x_.max() + 1 - box[3]]
                extent = max(extent, *map(int, reach))
    return extent
