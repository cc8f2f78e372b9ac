"""The analysed tokenizer before training: fresh weights, and a codebook of its own encoder's outputs."""

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from irislib.seeding import stream, stream_seed
from irislib.tokenizers.config import TokenizerConfig
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.make import make_tokenizer
from irislib.tokenizers.nets import frames_to_input
from irislib.tokenizers.quantizers import FreeCodebook
from irislib.tokenizers.reconstruction import BATCH


@torch.no_grad()
def fit_untrained(
    config: TokenizerConfig, codes: int, frames: UInt8[np.ndarray, "n y x 3"], seed: int
) -> LearnedTokenizer:
    """A tokenizer of this architecture with fresh weights, whose codes are outputs of its encoder.

    Its first codebook would lie so close to the origin that a single code or two stand for all outputs. Each
    code is therefore the output at a random position of a random frame. A quantizer whose codes cannot be put
    anywhere keeps those that its training would begin with.

    Args:
        config: sizes of the architecture.
        codes: K, as in `config`.
        frames: u8 [N,H,W,3], to draw the codes from.
        seed: of the run.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "baseline", "untrained", "weights"))
        made = make_tokenizer(config, (frames.shape[1], frames.shape[2])).eval()
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if not isinstance(made.quantizer, FreeCodebook):
        return made
    places = len(frames) * made.grid[0] * made.grid[1]
    # No place is drawn twice unless there are too few: of two equal codes the second would never be used.
    drawn = stream(seed, "baseline", "untrained", "codes").choice(places, codes, replace=places < codes)
    step, y, x = np.unravel_index(drawn, (len(frames), *made.grid))
    which, row = np.unique(step, return_inverse=True)
    outputs = _encoder_outputs(made, frames[which]).movedim(1, -1)
    made.quantizer.move_codes(torch.arange(codes), outputs[row, y, x])
    return made


def _encoder_outputs(
    tokenizer: LearnedTokenizer, frames: UInt8[np.ndarray, "n y x 3"]
) -> Float32[Tensor, "n channels h w"]:
    """What the quantizer is given for each frame, float32 [N,C,h,w]."""
    batches = (torch.from_numpy(frames[start : start + BATCH]) for start in range(0, len(frames), BATCH))
    return torch.cat([tokenizer.outputs(frames_to_input(batch)) for batch in batches])
