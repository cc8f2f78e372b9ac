"""The replay as the tokenizer sees it now: each frame is encoded once, however often it is sampled."""

import numpy as np
import torch
from jaxtyping import Int64

from irislib.agent.segments import SegmentBatch
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.training.parts import Pool
from irislib.training.replay import OUTSIDE, Replay

# Frames are encoded by blocks of neighbouring rows, all of one size: a convolution over a batch of a size
# that it has not met before is prepared anew, which takes time, and memory for good.
BLOCK = 64


class EncodedReplay:
    """Segments of a replay with the tokens of their frames; stale once the tokenizer learns on.

    Args:
        pool: encodes blocks of frames side by side.
    """

    def __init__(self, replay: Replay, tokenizer: LearnedTokenizer, pool: Pool) -> None:
        self.replay, self.tokenizer, self.pool = replay, tokenizer, pool
        self._tokens = np.zeros((replay.steps, *tokenizer.grid), np.int16)
        self._known = np.zeros(-(-replay.steps // BLOCK), bool)

    def encode(self, rows: Int64[np.ndarray, "b t"]) -> None:
        """Encodes what is not known yet of these rows, side by side; then any thread may call `batch`."""
        needed = np.unique(rows[rows != OUTSIDE] // BLOCK)
        self.pool.map(self._encode, map(int, needed[~self._known[needed]]))

    def batch(self, rows: Int64[np.ndarray, "b t"]) -> SegmentBatch:
        """The segments with these rows, as `Replay.sample` draws them; `encode` must have seen the rows."""
        inside = rows != OUTSIDE
        assert self._known[rows[inside] // BLOCK].all()
        columns = (
            self._tokens[rows].astype(np.int64),
            self.replay.actions[rows],
            self.replay.rewards[rows],
            self.replay.terminated[rows],
        )
        for column in columns:
            column[~inside] = 0
        return SegmentBatch(*map(torch.from_numpy, (*columns, inside)))

    @torch.no_grad()
    def _encode(self, block: int) -> None:
        rows = np.arange(block * BLOCK, min((block + 1) * BLOCK, len(self._tokens)))
        frames = self.replay.frames(rows).to(self.tokenizer.codebook.device)
        self._tokens[rows] = self.tokenizer.encode(frames).cpu().numpy()
        self._known[block] = True
