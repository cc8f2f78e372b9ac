"""Tokenizers of patches, IRIS's with options, and how far their tokens see."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import CONFIG, ENV, TOKENIZER, TRAIN
from torch import Tensor

from irislib.agent import Agent, load_agent
from irislib.agent.config import AgentConfig, TrainConfig
from irislib.agent.official import export_official_iris
from irislib.artifacts import digest
from irislib.errors import ArtifactError, ParamError
from irislib.interpret.tokens.receptive_field import gradient_extent, measure_receptive_field
from irislib.params import parse_value
from irislib.tokenizers.checks import check_tokenizer
from irislib.tokenizers.config import IrisConfig, PatchConfig, VectorQuantizerConfig
from irislib.tokenizers.context import given
from irislib.tokenizers.learned import LearnedTokenizer
from irislib.tokenizers.load import load_tokenizer, tokenizer_digest
from irislib.tokenizers.make import make_tokenizer
from irislib.tokenizers.patch import PositionNorm
from irislib.tokenizers.protocol import FrameTokenizer
from irislib.training.train import train

QUANTIZER = VectorQuantizerConfig("vq", 32, 4, 3)
PATCH = PatchConfig("patch", QUANTIZER, patch=7, offset=0, width=8, depth=1, context=0)
FRAME = (64, 64)


def make(config: Any = PATCH, frame: tuple[int, int] = FRAME) -> LearnedTokenizer:
    torch.manual_seed(0)
    made = make_tokenizer(config, frame).eval().requires_grad_(False)
    torch.nn.init.normal_(made.codebook)
    return made


def noise(n: int, frame: tuple[int, int] = FRAME, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *frame, 3), np.uint8)


# Patches


@pytest.mark.parametrize(
    ("patch", "offset", "frame", "grid", "last"),
    [
        (7, 0, (64, 64), (9, 9), 63),
        (7, 3, (64, 64), (8, 8), 59),
        (8, 0, (64, 64), (8, 8), 64),
        (16, 0, (64, 64), (4, 4), 64),
        (16, 15, (64, 96), (3, 5), 63),
        (64, 0, (64, 64), (1, 1), 64),
    ],
)
def test_patches_are_where_offset_and_side_say(
    patch: int, offset: int, frame: tuple[int, int], grid: tuple[int, int], last: int
) -> None:
    tokenizer = make(replace(PATCH, patch=patch, offset=offset), frame)
    assert isinstance(tokenizer, FrameTokenizer) and check_tokenizer(tokenizer, "ours") is tokenizer
    assert tokenizer.grid == grid
    boxes = tokenizer.patch_boxes
    assert boxes.shape == (grid[0] * grid[1], 4)
    np.testing.assert_array_equal(boxes[0], [offset, offset, offset + patch, offset + patch])
    np.testing.assert_array_equal(boxes[1 % len(boxes), :2], [offset, offset + patch * (len(boxes) > 1)])
    assert boxes[-1, 2] == last
    image = tokenizer.decode(torch.randn(2, 4, *grid))
    drawn = np.zeros(frame, bool)
    for y0, x0, y1, x1 in boxes:
        assert not drawn[y0:y1, x0:x1].any()  # no pixel belongs to two
        drawn[y0:y1, x0:x1] = True
    assert ((image == -1).all(1).all(0).numpy() == ~drawn).all()


def test_boxes_of_iris_divide_the_frame() -> None:
    boxes = make(TOKENIZER).patch_boxes
    assert boxes.dtype == np.int16
    np.testing.assert_array_equal(
        boxes[[0, 1, 4, -1]], [[0, 0, 16, 16], [0, 16, 16, 32], [16, 0, 32, 16], [48, 48, 64, 64]]
    )


@pytest.mark.parametrize("context", [0, 1, 2])
def test_a_token_depends_on_the_patches_that_context_says(context: int) -> None:
    """And so does a decoded patch."""
    tokenizer = make(replace(PATCH, offset=2, context=context))
    frames = noise(1)
    before = tokenizer.outputs(as_input(frames))
    image = tokenizer.decode(before)
    for y, x in ((0, 0), (3, 5), (7, 7)):
        y0, x0, y1, x1 = tokenizer.patch_boxes[y * 8 + x]
        changed = frames.copy()
        changed[:, y0:y1, x0:x1] = noise(1, (7, 7), 1)
        reached = neighbours(y, x, context)
        after = tokenizer.outputs(as_input(changed))
        assert torch.equal((before != after).any(1)[0], reached)
        latents = before.clone()
        latents[:, :, y, x] += 1
        pixels = (tokenizer.decode(latents) != image).any(1)[0, 2:58, 2:58]
        assert torch.equal(pixels.unflatten(0, (8, 7)).unflatten(2, (8, 7)).any(3).any(1), reached)


def as_input(frames: np.ndarray) -> Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2) / 127.5 - 1


def neighbours(y: int, x: int, reach: int) -> Tensor:
    rows, columns = torch.arange(8)[:, None], torch.arange(8)[None]
    return ((rows - y).abs() <= reach) & ((columns - x).abs() <= reach)


def test_pixels_of_no_token_carry_no_loss() -> None:
    tokenizer = make(replace(PATCH, offset=3, squared_error=2.0))
    frames = noise(3)
    other = noise(3, seed=1)
    other[:, 3:59, 3:59] = frames[:, 3:59, 3:59]
    (losses, out), (same, _) = (tokenizer.losses(torch.from_numpy(some)) for some in (frames, other))
    assert set(losses) == {"reconstruction", "squared_error", "codebook", "commitment"}
    assert all(torch.equal(loss, same[name]) for name, loss in losses.items())
    x, y = as_input(frames), tokenizer.decode(tokenizer.embed(out.tokens))
    error = (x - y)[:, :, 3:59, 3:59]
    torch.testing.assert_close(losses["reconstruction"], error.abs().mean())
    torch.testing.assert_close(losses["squared_error"], 2 * error.square().mean())


@pytest.mark.parametrize("config", [replace(PATCH, context=1, squared_error=1.0), TOKENIZER])
def test_losses_of_parts_average_to_those_of_the_batch(config: Any) -> None:
    tokenizer, frames = make(config), torch.from_numpy(noise(4))
    whole = tokenizer.losses(frames)[0]
    parts = [tokenizer.losses(part)[0] for part in frames.split(1)]
    for name, loss in whole.items():
        torch.testing.assert_close(torch.stack([part[name] for part in parts]).mean(), loss)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"offset": 7}, "train.tokenizer.offset: 7 pixels leave out a whole patch of 7; use less"),
        ({"patch": 0}, "train.tokenizer.patch: "),
        ({"context": -1}, "train.tokenizer.context: "),
        ({"kind": "hexagons"}, "train.tokenizer.kind: must be one of iris, patch, not 'hexagons'"),
        ({"ch": 16}, "train.tokenizer.ch: unknown parameter"),
        ({"alignment": {"kind": "context_swap", "weight": 0}}, "train.tokenizer.alignment.weight: "),
        ({"alignment": {"kind": "labels", "weight": 1}}, "train.tokenizer.alignment.frames: missing"),
        ({"alignment": {"kind": "none", "weight": 1}}, "train.tokenizer.alignment.weight: unknown"),
        ({"alignment": {"kind": "names"}}, "train.tokenizer.alignment.kind: must be one of none, "),
    ],
)
def test_a_mistake_is_one_line_led_by_its_full_key(changes: dict[str, Any], complaint: str) -> None:
    values = asdict(TRAIN) | {"tokenizer": asdict(PATCH) | changes}
    with pytest.raises(ParamError) as raised:
        parse_value(values, "train", TrainConfig)
    assert str(raised.value).startswith(complaint) and "\n" not in str(raised.value)


def test_a_patch_that_does_not_fit_is_refused() -> None:
    message = (
        r"^train\.tokenizer\.patch: no patch of 40 pixels at an offset of 30 fits frames of 64 x 64; use .*$"
    )
    with pytest.raises(ParamError, match=message):
        make(replace(PATCH, patch=40, offset=30))


# Options of IRIS's


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("norm", ["frame", "none"])
def test_options_of_iris_take_away_what_they_say(attention: bool, norm: Any) -> None:
    tokenizer = make(replace(TOKENIZER, attention=attention, norm=norm))
    assert check_tokenizer(tokenizer, "ours") is tokenizer
    assert any("attn" in name for name, _ in tokenizer.named_parameters()) == attention
    kinds = {type(module) for module in tokenizer.modules()}
    assert (torch.nn.GroupNorm in kinds) == (norm == "frame")


def test_position_norm_is_layer_norm_of_each_position() -> None:
    x = torch.randn(2, 6, 3, 4)
    normed = PositionNorm(6)(x)
    torch.testing.assert_close(normed.mean(1), torch.zeros(2, 3, 4), atol=1e-6, rtol=0)
    torch.testing.assert_close(normed.var(1, unbiased=False), torch.ones(2, 3, 4), atol=1e-3, rtol=0)


def test_an_agent_of_before_there_were_kinds_is_loaded(tmp_path: Path) -> None:
    agent = Agent(CONFIG)
    agent.save(tmp_path)
    about = json.loads((tmp_path / "config.json").read_text())
    for name in ("kind", "attention", "norm", "alignment"):
        del about["agent"]["tokenizer"][name]
    (tmp_path / "config.json").write_text(json.dumps(about))
    assert load_agent(tmp_path).config == CONFIG
    assert tokenizer_digest(load_tokenizer(tmp_path)) == tokenizer_digest(agent.tokenizer)


@pytest.mark.parametrize(
    "config", [PATCH, replace(TOKENIZER, attention=False), replace(TOKENIZER, norm="none")]
)
def test_the_official_code_gets_no_tokenizer_that_it_does_not_have(config: Any, tmp_path: Path) -> None:
    with pytest.raises(
        ArtifactError, match=r"use train\.tokenizer\.kind iris, attention true and norm frame"
    ):
        export_official_iris(Agent(replace(CONFIG, tokenizer=config)), tmp_path / "last.pt")


def test_equal_weights_that_compute_something_else_have_another_digest() -> None:
    first, second = make(PATCH), make(replace(PATCH, offset=1))  # 9 x 9 patches of 7 pixels as well
    second.load_state_dict(first.state_dict())
    assert first.grid == second.grid and tokenizer_digest(first) != tokenizer_digest(second)


# Receptive fields


LOCAL = IrisConfig(QUANTIZER, 4, 4, (1, 1), 1, (), attention=False, norm="none")
LOCAL_EXTENT = (
    18  # 1 + 2 + 1 of the first resolution, 2 (2 + 4 + 1) of the second; none of it is strided away
)


def test_without_attention_and_norms_of_the_frame_iris_sees_so_far() -> None:
    frames = noise(2, (48, 48))
    for config, extent in (
        (LOCAL, LOCAL_EXTENT),
        (replace(LOCAL, attention=True), 46),
        (replace(LOCAL, norm="frame"), 46),
    ):
        tokenizer = make(config, (48, 48))
        assert gradient_extent(tokenizer, tokenizer.patch_boxes, frames, 0) == extent


@pytest.mark.parametrize(("context", "extent"), [(0, 0), (1, 7), (2, 14)])
def test_patches_see_as_far_as_their_context(context: int, extent: int) -> None:
    tokenizer = make(replace(PATCH, context=context))
    field = measure_receptive_field(
        tokenizer, tokenizer.patch_boxes, noise(8), np.arange(8) // 2, 0, tokens=64
    )
    assert field.extent == extent
    assert field.window <= min(radius for radius in field.kept if radius >= extent)
    assert field.window == 0 or field.kept[0] < 0.95
    assert all(share == 1 for radius, share in field.kept.items() if radius >= extent)


class Ring:
    """A token is the brightness of the pixels just 5 around its patch: the smallest window is 5."""

    context_length, local, grid = 0, True, (4, 4)
    codebook = torch.zeros(256, 1)

    def encode(self, frames: Tensor) -> Tensor:
        patches = torch.nn.functional.pad(frames[..., 0].float(), (5, 5, 5, 5))
        corners = patches[:, :64:16, :64:16]  # 5 above and 5 to the left of each patch
        return corners.long()

    embed = decode = blank = layers = encode  # never called


def test_the_smallest_window_is_found() -> None:
    boxes = make(TOKENIZER).patch_boxes
    field = measure_receptive_field(Ring(), boxes, noise(20), np.arange(20), 0, tokens=200)  # type: ignore[arg-type]
    assert field.window == 6 and field.extent is None  # 5 is not among the radii
    assert field.kept[4] < 0.7 and field.kept[6] == 1 and max(field.kept) == 48


# The whole agent


def test_an_agent_of_local_patches_trains_and_comes_back(tmp_path: Path) -> None:
    patches = replace(PATCH, patch=12)  # 5 a side; 4 pixels are left over
    config = replace(TRAIN, epochs=2, tokenizer=patches)
    runs = []
    for name in ("one", "again"):
        folder = tmp_path / name
        train(config, ENV, 3, None, folder / "work", folder / "agent", folder / "snapshots")
        runs.append(digest(folder / "agent"))
    assert runs[0] == runs[1]
    agent = load_agent(tmp_path / "one/agent")
    assert agent.config.tokens_per_block == 26 and agent.config.tokenizer == patches
    assert parse_value(asdict(agent.config), "agent", AgentConfig) == agent.config
    tokenizer = given(load_tokenizer(tmp_path / "one/agent"), None)
    assert tokenizer.encode(torch.from_numpy(noise(2))).shape == (2, 5, 5)
    assert tokenizer_digest(tokenizer) == tokenizer_digest(agent.tokenizer)
