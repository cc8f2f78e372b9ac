"""Stand-ins for what other parts of this issue bring; to be deleted."""

import copy
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from irislib.errors import ParamError
from irislib.playing.player import Player
from irislib.runtime import progress
from irislib.seeding import stream, stream_seed
from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.revival import Revival
from irislib.worlds.crafter_player.player import CrafterPlayer
from irislib.worlds.world import WorldConfig


def scripted_player(env: WorldConfig) -> Player:
    """The world's own player."""
    if env.world != "crafter":
        raise ParamError(f"play.player: {env.world} has no scripted player; use random")
    return CrafterPlayer()


def make_tokenizer(config: Any, frame: tuple[int, int]) -> Tokenizer:
    """An untrained tokenizer."""
    return Tokenizer(config, frame)


@dataclass(frozen=True)
class TrainedTokenizer:
    """What came of training."""

    tokenizer: Any
    snapshots: dict[int, Any] = field(default_factory=dict)


def train_tokenizer(
    config: Any,
    frames: np.ndarray,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    histograms: np.ndarray | None = None,
    snapshots: Sequence[int] = (),
) -> TrainedTokenizer:
    """A plain loop."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "tokenizer alone"))
        made = Tokenizer(config, (frames.shape[1], frames.shape[2]))
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(made.parameters(), learning_rate, fused=True)
    hooks: list[Any] = [made.quantizer.after_batch]
    if config.quantizer.revive_after:
        hooks.append(Revival(made.quantizer, optimizer, config.quantizer.revive_after, seed).after_batch)  # type: ignore[arg-type]
    rng, kept = stream(seed, "tokenizer alone", "batches"), {}
    for step in progress(range(1, steps + 1), desc="tokenizer", unit="batch"):
        losses, out = made.losses(torch.from_numpy(frames[rng.integers(0, len(frames), batch_size)]))
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(made.parameters(), 10.0)
        for hook in hooks:
            hook([out])
        optimizer.step()
        if step in snapshots:
            kept[step] = copy.deepcopy(made).eval()
    return TrainedTokenizer(made.eval(), kept)


with suppress(ImportError):  # where the other parts are there already
    from irislib.tokenizers.make import make_tokenizer as make_tokenizer  # type: ignore
    from irislib.training.tokenizer_alone import train_tokenizer as train_tokenizer  # type: ignore
