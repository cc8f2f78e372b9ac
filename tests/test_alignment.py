"""What codes are asked for beside the reconstruction, and a tokenizer that is trained alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import ENV, TRAIN

from irislib.errors import IrislibError, ParamError
from irislib.seeding import stream
from irislib.tokenizers.alignment import (
    LabelHead,
    composition_loss,
    context_swap_loss,
    draw_kept,
    paste_patches,
)
from irislib.tokenizers.config import (
    CompositionConfig,
    ContextSwapConfig,
    LabelsConfig,
    PatchConfig,
    VectorQuantizerConfig,
)
from irislib.tokenizers.load import tokenizer_digest
from irislib.tokenizers.make import make_tokenizer
from irislib.training.tokenizer_alone import train_tokenizer
from irislib.training.train import train

SWAP = ContextSwapConfig("context_swap", 1.0)
COMPOSITION = CompositionConfig("composition", 1.0)
WIDE = PatchConfig("patch", VectorQuantizerConfig("vq", 16, 4, 5), 4, 0, 16, 1, 1, 0.0, 5.0)
SIDE = 16  # pixels; 4 x 4 patches


def planted(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Frames of patches of four colours in noise, and the histograms of the colours."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(4, size=(n, 4, 4))
    colours = np.array([[220, 40, 40], [40, 220, 40], [40, 40, 220], [200, 200, 40]])
    frames = colours[kind].repeat(4, 1).repeat(4, 2) + rng.integers(-3, 4, (n, SIDE, SIDE, 3))
    return frames.clip(0, 255).astype(np.uint8), np.eye(4, dtype=np.float32)[kind].reshape(n, 16, 4)


def test_kept_patches_stay_at_their_places() -> None:
    tokenizer = make_tokenizer(replace(WIDE, patch=5, offset=2, context=0), (SIDE, SIDE))
    one, other = (torch.from_numpy(planted(2, seed)[0]) for seed in (0, 1))
    kept = torch.tensor([[[True, False], [False, False]], [[False, True], [True, True]]])
    made = paste_patches(tokenizer, one, other, kept)
    expected = other.clone()
    expected[0, 2:7, 2:7] = one[0, 2:7, 2:7]
    expected[1, 2:12, 2:12] = one[1, 2:12, 2:12]
    expected[1, 2:7, 2:7] = other[1, 2:7, 2:7]
    assert torch.equal(made, expected)


def test_shares_of_kept_patches_are_anything_between_none_and_all() -> None:
    share = draw_kept(stream(0, "test"), 4000, (9, 9)).mean((1, 2))
    assert share.mean() == pytest.approx(0.5, abs=0.02)
    assert np.quantile(share, [0.25, 0.75]) == pytest.approx([0.25, 0.75], abs=0.03)


@pytest.mark.parametrize("context", [0, 1])
def test_the_loss_of_swapped_contexts(context: int) -> None:
    """Zero for a token of its own patch alone; whatever the scale of the latents."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer(replace(WIDE, context=context), (SIDE, SIDE))
    frames, others = (torch.from_numpy(planted(4, seed)[0]) for seed in (0, 1))
    kept = torch.from_numpy(draw_kept(stream(0, "test"), 4, tokenizer.grid))
    quantized = tokenizer.losses(frames)[1]
    loss = context_swap_loss(tokenizer, frames, quantized, others, kept)
    assert (float(loss.detach()) < 1e-9) == (context == 0)
    nothing = context_swap_loss(tokenizer, frames, quantized, others, torch.zeros_like(kept))
    assert float(nothing) == 0
    wider = replace(quantized, z=3 * quantized.z)
    for name, weight in tokenizer.named_parameters():
        if name.startswith("encoder.2.conv" if context == 0 else "encoder.3.conv"):  # the last layer
            weight.data *= 3
    assert float(context_swap_loss(tokenizer, frames, wider, others, kept)) == pytest.approx(
        float(loss), rel=1e-3
    )


@pytest.mark.parametrize("context", [0, 1])
def test_the_loss_of_mixed_tokens(context: int) -> None:
    """That of the frames where all tokens are theirs, and that of patches alone where tokens are local."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer(replace(WIDE, context=context), (SIDE, SIDE))
    frames, others = (torch.from_numpy(planted(4, seed)[0]) for seed in (0, 1))
    losses, quantized = tokenizer.losses(frames)
    own = losses["reconstruction"] + losses["squared_error"]
    everything = torch.ones(4, 4, 4, dtype=torch.bool)
    found = composition_loss(tokenizer, frames, quantized, others, everything)
    assert float(found) == pytest.approx(float(own), rel=1e-6)
    kept = torch.from_numpy(draw_kept(stream(0, "test"), 4, tokenizer.grid))
    mixed = paste_patches(tokenizer, frames, others, kept)
    losses, _ = tokenizer.losses(mixed)
    of_mixture = float(losses["reconstruction"] + losses["squared_error"])
    found = composition_loss(tokenizer, frames, quantized, others, kept)
    assert (float(found) == pytest.approx(of_mixture, rel=1e-6)) == (context == 0)
    found.backward()
    assert any(
        p.grad is not None and p.grad.any()
        for name, p in tokenizer.named_parameters()
        if name.startswith("encoder")
    )


def test_the_head_leaves_out_what_has_no_label() -> None:
    head = LabelHead(4, 3)
    torch.nn.init.zeros_(head.linear.weight)
    torch.nn.init.zeros_(head.linear.bias)
    histograms = torch.zeros(1, 2, 2, 3)
    histograms[0, 0, 0] = torch.tensor([0.5, 0.5, 0.0])
    histograms[0, 0, 1, 2] = 1
    assert float(head.loss(torch.randn(1, 4, 2, 2), histograms)) == pytest.approx(np.log(3) / 2)


def kept_share(config: Any, steps: int, seed: int = 0) -> float:
    """Share of tokens that keep their code in another frame."""
    frames, _ = planted(256)
    tokenizer = train_tokenizer(config, frames, steps, 16, 0.003, seed).tokenizer
    (one, _), (other, _) = planted(64, 1), planted(64, 2)
    tokens = tokenizer.encode(torch.from_numpy(one))
    same = []
    for position in range(16):
        y, x = divmod(position, 4)
        made = other.copy()
        made[:, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4] = one[:, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4]
        same.append((tokenizer.encode(torch.from_numpy(made)) == tokens)[:, y, x])
    return float(torch.stack(same).float().mean())


def test_swapped_contexts_make_tokens_local() -> None:
    """On average over seeds: how many codes share a colour is left to chance."""
    strong = replace(SWAP, weight=10.0)
    without, asked = (
        np.mean([kept_share(replace(WIDE, alignment=alignment), 200, seed) for seed in (0, 2, 3)])
        for alignment in (WIDE.alignment, strong)
    )
    assert asked > 0.7 and asked > without + 0.3


def test_mixed_tokens_make_tokens_local_and_keep_what_they_say() -> None:
    """The codes still tell colours apart: as many as the four are in use at least."""
    frames = torch.from_numpy(planted(64, 1)[0])
    without, asked = (
        np.mean([kept_share(replace(WIDE, alignment=alignment), 200, seed) for seed in (0, 2, 3)])
        for alignment in (WIDE.alignment, COMPOSITION)
    )
    assert asked > without + 0.2
    made = train_tokenizer(replace(WIDE, alignment=COMPOSITION), planted(256)[0], 200, 16, 0.003, 0)
    assert len(torch.unique(made.tokenizer.encode(frames))) >= 4
    assert set(made.losses) >= {"composition", "reconstruction"}


def test_labels_make_codes_tell_them() -> None:
    """Labels that the reconstruction hardly sees: a faint stripe in one patch of two."""
    rng = np.random.default_rng(0)
    frames, _ = planted(256)
    striped = rng.random((256, 4, 4)) < 0.5
    stripe = np.where(striped.repeat(4, 1).repeat(4, 2), 25, -25)[..., None]
    frames = (frames.astype(int) + stripe).clip(0, 255).astype(np.uint8)
    histograms = np.stack([striped, ~striped], -1).astype(np.float32).reshape(256, 16, 2)
    local = replace(WIDE, context=0, quantizer=VectorQuantizerConfig("vq", 8, 4, 5))

    def purity(alignment: Any) -> float:
        made = train_tokenizer(replace(local, alignment=alignment), frames, 200, 16, 0.003, 0, histograms)
        tokens = made.tokenizer.encode(torch.from_numpy(frames)).numpy()
        counts = np.zeros((8, 2))
        np.add.at(counts, (tokens.ravel(), striped.ravel().astype(int)), 1)
        return float(counts.max(1).sum() / counts.sum())

    assert purity(LabelsConfig("labels", 1.0, 64)) > purity(local.alignment) + 0.1


def test_training_alone_repeats_itself_and_keeps_snapshots() -> None:
    frames, _ = planted(32)
    config = replace(WIDE, alignment=SWAP)
    torch.manual_seed(5)
    first = train_tokenizer(config, frames, 6, 8, 0.003, 1, snapshots=(0, 3))
    torch.set_num_threads(2)
    torch.manual_seed(6)
    again = train_tokenizer(config, frames, 3, 8, 0.003, 1)
    torch.set_num_threads(1)
    assert sorted(first.snapshots) == [0, 3]
    assert tokenizer_digest(first.snapshots[3]) == tokenizer_digest(again.tokenizer)
    assert tokenizer_digest(first.tokenizer) != tokenizer_digest(again.tokenizer)
    assert set(first.losses) == {
        *("total", "reconstruction", "codebook", "commitment", "squared_error", "context_swap")
    }
    assert not first.tokenizer.training and not first.tokenizer.codebook.requires_grad
    other = train_tokenizer(config, frames, 3, 8, 0.003, 2)
    assert tokenizer_digest(other.tokenizer) != tokenizer_digest(again.tokenizer)


def test_mistakes_are_one_line() -> None:
    frames, _ = planted(8)
    with pytest.raises(ParamError, match=r"^snapshots: 9 is after the last of 2 steps$"):
        train_tokenizer(WIDE, frames, 2, 4, 0.001, 0, snapshots=(9,))
    with pytest.raises(
        ParamError, match=r"^train\.tokenizer\.alignment\.kind: labels needs frames with labels"
    ):
        train_tokenizer(replace(WIDE, alignment=LabelsConfig("labels", 1.0, 4)), frames, 2, 4, 0.001, 0)
    with pytest.raises(
        IrislibError, match=r"^learning_rate: the loss of the tokenizer is not finite; lower it$"
    ):
        train_tokenizer(WIDE, frames, 20, 4, 1e30, 0)


def agent_of(alignment: Any, folder: Path) -> Path:
    tokenizer = replace(TRAIN.tokenizer, alignment=alignment)
    train(
        replace(TRAIN, epochs=1, tokenizer=tokenizer), ENV, 3, None, folder / "w", folder / "a", folder / "s"
    )
    return folder / "a"


def test_an_agent_learns_with_swapped_contexts_and_refuses_labels(tmp_path: Path) -> None:
    config = agent_of(SWAP, tmp_path) / "config.json"
    assert '"context_swap"' in config.read_text()
    with pytest.raises(
        ParamError, match=r"^train\.tokenizer\.alignment\.kind: labels are not known .*; use none"
    ):
        agent_of(LabelsConfig("labels", 1.0, 4), tmp_path / "labels")
