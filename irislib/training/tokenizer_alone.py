"""A tokenizer trained alone on recorded frames, without world model and policy.

One thread computes each batch whole, so the bits depend on the arguments alone.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor, nn

from irislib.device import one_thread, pick_device
from irislib.errors import IrislibError, ParamError
from irislib.runtime import progress
from irislib.seeding import stream, stream_seed
from irislib.tokenizers.alignment import WITH_OTHERS, LabelHead, alignment_losses, draw_kept
from irislib.tokenizers.checks import no_gradients
from irislib.tokenizers.config import LabelsConfig, TokenizerConfig
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.make import make_tokenizer
from irislib.tokenizers.perceptual import load_lpips
from irislib.tokenizers.quantizers import FreeCodebook, Quantized
from irislib.tokenizers.revival import Revival

MAX_GRAD_NORM = 10.0  # as in `train.fit.tokenizer`, by default and in IRIS
LABELLED_SHARE = 4  # one frame in four of a batch has labels: few labelled frames are then seen often
RECENT = 100  # steps over which losses are averaged


@dataclass(frozen=True)
class TrainedTokenizer:
    """What came of training.

    Attributes:
        tokenizer: in evaluation mode, without gradients.
        snapshots: the same tokenizer after fewer gradient steps, by their number.
        losses: of the last steps, by name, each the mean over up to 100; "total" is their sum.
    """

    tokenizer: LearnedTokenizer
    snapshots: dict[int, LearnedTokenizer] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)


def train_tokenizer(
    config: TokenizerConfig,
    frames: UInt8[np.ndarray, "n y x 3"],
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    histograms: Float32[np.ndarray, "n tokens labels"] | None = None,
    snapshots: Sequence[int] = (),
) -> TrainedTokenizer:
    """Trains a new tokenizer by Adam, as an agent's is trained in one long epoch.

    Args:
        config: the kind of tokenizer and its losses.
        frames: u8 [N,H,W,3], each drawn with the same probability.
        steps: gradient steps.
        batch_size: frames in each.
        learning_rate: of Adam.
        seed: of the weights and of all draws.
        histograms: share of each of L labels in the patch of each token, row by row, float32 [N,h*w,L]. Only
            the alignment `labels` reads them, and only those of the frames that it draws.
        snapshots: gradient steps after which a copy is kept; 0 is before the first.

    Raises:
        ParamError: the frame does not divide into tokens, labels are asked for and not given, or a snapshot
            is after the last step.
        IrislibError: a loss is not finite.
    """
    for step in snapshots:
        if step > steps:
            raise ParamError(f"snapshots: {step} is after the last of {steps} steps")
    with one_thread():
        training = _Training(config, frames, batch_size, learning_rate, seed, histograms)
        kept = {0: training.copy()} if 0 in snapshots else {}
        recent: list[dict[str, float]] = []
        with progress(desc="tokenizer", total=steps, unit="batch") as bar:
            for step in range(1, steps + 1):
                recent = [*recent[1 - RECENT :], training.step()]
                bar.set_postfix(loss=f"{recent[-1]['total']:.4g}", refresh=False)
                bar.update()
                if step in snapshots:
                    kept[step] = training.copy()
        losses = {name: float(np.mean([one[name] for one in recent])) for name in (recent or [{}])[-1]}
        return TrainedTokenizer(training.copy(), kept, losses)


class _Training:
    """The tokenizer that learns, its optimizer, and what draws its batches."""

    def __init__(
        self,
        config: TokenizerConfig,
        frames: UInt8[np.ndarray, "n y x 3"],
        batch_size: int,
        learning_rate: float,
        seed: int,
        histograms: Float32[np.ndarray, "n tokens labels"] | None,
    ) -> None:
        self.config, self.frames, self.batch_size = config, frames, batch_size
        self.rng = stream(seed, "tokenizer alone", "batches")
        self.device = device = pick_device()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(seed, "tokenizer alone", "weights"))
            made = make_tokenizer(config, (frames.shape[1], frames.shape[2]))
            self.head = _label_head(config, histograms)
        made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.tokenizer = made.to(device).train()
        self.labelled_size = 0
        if isinstance(config.alignment, LabelsConfig) and histograms is not None and self.head is not None:
            self.head.to(device)
            self.histograms = histograms.reshape(len(frames), *made.grid, -1)
            self.labelled = _few_of(len(frames), config.alignment.frames, seed)
            self.labelled_size = max(1, batch_size // LABELLED_SHARE)
        self.perceptual = load_lpips(device) if config.lpips > 0 else None
        self.parameters = [*made.parameters(), *(self.head.parameters() if self.head else ())]
        self.optimizer = torch.optim.Adam(self.parameters, learning_rate, fused=True)
        self.hooks = [made.quantizer.after_batch]
        after, by = config.quantizer.revive_after, config.quantizer.revive_by
        if after and isinstance(made.quantizer, FreeCodebook):
            drawn_from = stream_seed(seed, "tokenizer alone", "revival")
            self.hooks.append(Revival(made.quantizer, self.optimizer, after, by, drawn_from).after_batch)

    def copy(self) -> LearnedTokenizer:
        """The tokenizer as it is now, ready for use."""
        ready: LearnedTokenizer = no_gradients(deepcopy(self.tokenizer), self.device)
        return ready

    def step(self) -> dict[str, float]:
        """A gradient step on a new batch; returns its losses. Raises IrislibError if one is not finite."""
        losses, quantized = self._losses(self._draw())
        total = torch.stack(list(losses.values())).sum()
        values = {"total": total.item(), **{name: loss.item() for name, loss in losses.items()}}
        if not np.isfinite(values["total"]):
            raise IrislibError("learning_rate: the loss of the tokenizer is not finite; lower it")
        self.optimizer.zero_grad()
        total.backward()
        for hook in self.hooks:
            hook([quantized])
        nn.utils.clip_grad_norm_(self.parameters, MAX_GRAD_NORM)
        self.optimizer.step()
        return values

    def _draw(self) -> Int64[np.ndarray, " batch"]:
        """Rows of the frames of a batch; those with labels first."""
        rows = self.rng.integers(len(self.frames), size=self.batch_size)
        if self.labelled_size:
            rows[: self.labelled_size] = self.rng.choice(self.labelled, self.labelled_size)
        return rows

    def _losses(self, rows: Int64[np.ndarray, " batch"]) -> tuple[dict[str, Tensor], Quantized]:
        tokenizer, alignment = self.tokenizer, self.config.alignment
        frames = torch.from_numpy(self.frames[rows]).to(self.device)
        losses, quantized = tokenizer.losses(frames, self.perceptual)
        if isinstance(alignment, WITH_OTHERS):
            kept = torch.from_numpy(draw_kept(self.rng, len(rows), tokenizer.grid)).to(frames.device)
            losses |= alignment_losses(alignment, tokenizer, frames, quantized, frames.roll(1, 0), kept)
        if isinstance(alignment, LabelsConfig) and self.head is not None:
            known = self.labelled_size
            shown = torch.from_numpy(self.histograms[rows[:known]]).to(frames.device)
            losses["labels"] = alignment.weight * self.head.loss(quantized.z_quantized[:known], shown)
        return losses, quantized


def _few_of(frames: int, few: int, seed: int) -> Int64[np.ndarray, " few"]:
    """Which frames have labels."""
    drawn = stream(seed, "tokenizer alone", "labelled").permutation(frames)[:few]
    return np.sort(drawn).astype(np.int64)


def _label_head(
    config: TokenizerConfig, histograms: Float32[np.ndarray, "n tokens labels"] | None
) -> LabelHead | None:
    """The untrained head of the alignment `labels`; None without it. Raises ParamError without labels."""
    if config.alignment.kind != "labels":
        return None
    if histograms is None:
        raise ParamError(
            "train.tokenizer.alignment.kind: labels needs frames with labels; give them, or use none"
        )
    return LabelHead(config.embed_dim, histograms.shape[-1])
