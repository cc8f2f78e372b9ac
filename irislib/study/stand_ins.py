"""Stand-ins for what other parts of this issue bring; to be deleted."""

from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from irislib.seeding import stream, stream_seed
from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.revival import Revival


def train_tokenizer(
    config: Any,
    frames: np.ndarray,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    histograms: Any = None,
    snapshots: tuple[int, ...] = (),
) -> dict[int, Any]:
    """A plain loop."""
    import copy

    torch.manual_seed(stream_seed(seed, "tokenizer alone"))
    made = Tokenizer(config, (frames.shape[1], frames.shape[2]))
    optimizer = torch.optim.Adam(made.parameters(), learning_rate)
    revival = Revival(made.quantizer, optimizer, config.quantizer.revive_after, seed)
    rng, kept = stream(seed, "tokenizer alone", "batches"), {}
    for step in tqdm(range(1, steps + 1), mininterval=10):
        losses, out = made.losses(torch.from_numpy(frames[rng.integers(0, len(frames), batch_size)]))
        optimizer.zero_grad()
        sum(losses.values()).backward()  # type: ignore[union-attr]
        torch.nn.utils.clip_grad_norm_(made.parameters(), 10.0)
        revival.observe(out)
        optimizer.step()
        if step in snapshots or step == steps:
            kept[step] = copy.deepcopy(made).eval()
    return kept
