"""What every tokenizer promises, how one is loaded, and which are refused."""

import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recordings import record_play
from safetensors.torch import load_file, save_file
from tiny import TOKENIZER, make_decoding_agent
from torch import Tensor

import irislib
from irislib.agent import Agent
from irislib.artifacts import open_store
from irislib.errors import ArtifactError, IrislibError, ParamError
from irislib.interpret.attribution import distinct_maps
from irislib.interpret.attribution.attributions import (
    Objective,
    explain,
    integrated_gradients,
    path_gradients,
)
from irislib.interpret.attribution.faithfulness import latent_areas
from irislib.interpret.attribution.gradcam import ImageScore, mask_codes, score_images
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.params import parse_value
from irislib.playing.rollout import RolloutConfig
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.checks import check_tokenizer
from irislib.tokenizers.config import IrisConfig
from irislib.tokenizers.context import given
from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.load import load_recorded_tokenizer, load_tokenizer, tokenizer_digest
from irislib.tokenizers.protocol import FrameTokenizer
from irislib.tokenizers.reconstruction import BATCH, encode_frames

REPO = Path(__file__).parent.parent
EXAMPLE = re.search(r"```python\n(.*?)```", (REPO / "docs/tokenizers.md").read_text(), re.DOTALL)


@pytest.fixture
def agent() -> Agent:
    return make_decoding_agent(codes=6, size=16)


@pytest.fixture
def folder(agent: Agent, tmp_path: Path) -> Path:
    (tmp_path / "agent").mkdir()
    agent.save(tmp_path / "agent")
    return tmp_path / "agent"


def frames(n: int, height: int = 16, width: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, height, width, 3), np.uint8)


# Our own


@pytest.mark.parametrize("frame", [(64, 64), (32, 80), (96, 16)])
def test_frames_need_not_be_square(frame: tuple[int, int]) -> None:
    tokenizer = Tokenizer(replace(TOKENIZER, attn_resolutions=(frame[0] // 2,)), frame).eval()
    assert isinstance(tokenizer, FrameTokenizer)
    assert check_tokenizer(tokenizer, "ours") is tokenizer
    assert tokenizer.grid == (frame[0] // 16, frame[1] // 16)
    assert tokenizer.encode(frames(2, *frame)).shape == (2, *tokenizer.grid)
    assert tokenizer.decode(tokenizer.blank(2)).shape == (2, 3, *frame)
    attends = [
        any(".attn." in name for name, _ in m.named_modules(prefix="x")) for m in tokenizer.encoder.down
    ]
    assert attends == [False, True, False, False, False]


@pytest.mark.parametrize("frame", [(64, 72), (72, 64), (8, 64)])
def test_frames_that_do_not_divide_into_tokens_are_refused(frame: tuple[int, int]) -> None:
    with pytest.raises(ParamError, match=r"^env: frames of .* use multiples .*train\.tokenizer\.ch_mult$"):
        Tokenizer(TOKENIZER, frame)


def test_arrays_are_encoded_as_tensors_are_and_carry_no_gradient(folder: Path) -> None:
    tokenizer = given(irislib.load_tokenizer(folder), None)
    tokens = tokenizer.encode(torch.from_numpy(frames(3)))
    assert torch.equal(tokenizer.encode(frames(3)), tokens)  # type: ignore[arg-type]
    assert not tokenizer.decode(tokenizer.embed(tokens)).requires_grad
    many = frames(BATCH + 3)
    np.testing.assert_array_equal(encode_frames(tokenizer, many)[:3], tokens.numpy())


@pytest.mark.parametrize("wrong", [frames(2).astype(np.float32), frames(2)[0], frames(2)[..., :2]])
def test_what_is_not_a_frame_is_refused_in_one_line(agent: Agent, wrong: np.ndarray) -> None:
    # As without the tests' own check of annotations.
    encode = getattr(Tokenizer.encode, "__wrapped__", Tokenizer.encode)
    with pytest.raises(TypeError, match=r"^frames: must be uint8 \[N,H,W,3\], not .*$"):
        encode(agent.tokenizer, wrong)


# From a folder


def test_the_agents_tokenizer_is_loaded_without_the_agent(agent: Agent, folder: Path) -> None:
    tokenizer = given(load_tokenizer(folder), None)
    assert tokenizer_digest(tokenizer) == tokenizer_digest(agent.tokenizer)
    assert torch.equal(tokenizer.encode(torch.from_numpy(frames(2))), agent.tokenizer.encode(frames(2)))
    weights = load_file(folder / "model.safetensors")
    only = {name: tensor for name, tensor in weights.items() if name.startswith("tokenizer.")}
    save_file(only, folder / "model.safetensors")
    assert tokenizer_digest(load_tokenizer(folder)) == tokenizer_digest(tokenizer)
    script = (
        "import sys, irislib; assert 'torch' not in sys.modules; irislib.load_tokenizer; "
        "print([n for n in sys.modules if n.startswith(('irislib.agent', 'irislib.training'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def put(value: Any) -> Callable[[Tensor], Tensor]:
    def change(tensor: Tensor) -> Tensor:
        changed = tensor.clone()
        changed.flatten()[-1] = value
        return changed

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("decoder.conv_out.bias", put(float("nan")), "holds values that are not finite"),
        ("encoder.conv_in.weight", put(float("inf")), "holds values that are not finite"),
        ("quantizer.embedding.weight", lambda w: w.int(), "is int32, not floating point"),
        ("pre_quant_conv.weight", lambda w: w.to(torch.complex64), "is complex64, not floating point"),
    ],
)
def test_weights_that_are_no_numbers_are_refused(
    folder: Path, name: str, change: Callable[[Tensor], Tensor], message: str
) -> None:
    file, name = folder / "model.safetensors", f"tokenizer.{name}"
    weights = load_file(file)
    save_file(weights | {name: change(weights[name])}, file)
    with pytest.raises(ArtifactError, match=f"^{re.escape(str(file))}: {re.escape(name)} {message}; .*$"):
        load_tokenizer(folder)


def test_missing_and_damaged_folders_are_refused_in_one_line(folder: Path) -> None:
    def complaint() -> str:
        with pytest.raises(ArtifactError) as raised:
            load_tokenizer(folder)
        assert "\n" not in str(raised.value) and str(raised.value).startswith(str(folder))
        return str(raised.value)

    file, about = folder / "model.safetensors", folder / "config.json"
    weights, text = load_file(file), about.read_text()
    save_file({n: w for n, w in weights.items() if not n.endswith("conv_out.bias")}, file)
    assert "damaged or not an agent" in complaint()
    file.write_bytes(file.read_bytes()[:100])
    assert "damaged or not an agent (Error while deserializing header" in complaint()
    file.unlink()
    assert "model.safetensors: missing" in complaint()
    save_file(weights, file)
    config = json.loads(text)
    del config["agent"]["tokenizer"]["ch"]
    about.write_text(json.dumps(config))
    assert "agent.tokenizer.ch: missing" in complaint()
    about.unlink()
    assert "config.json: missing" in complaint()


def test_tokens_of_another_tokenizer_are_refused(agent: Agent, folder: Path, tmp_path: Path) -> None:
    def complaint(name: str, obs: np.ndarray, tokens: np.ndarray) -> str:
        play = record_play(tmp_path / name, obs, tokens, 6, folder)
        load_recorded_tokenizer(open_store(stored, ROLLOUTS), folder)
        with pytest.raises(ArtifactError) as raised:
            load_recorded_tokenizer(play, folder)
        return str(raised.value)

    stored = tmp_path / "stored"
    record_play(stored, frames(2), np.zeros((2, 4, 4), int), 6, folder)
    assert "use a tokenizer for these" in complaint("size", frames(2, 32, 32), np.zeros((2, 4, 4), int))
    assert "no grids of [4, 4]" in complaint("grid", frames(2), np.zeros((2, 2, 2), int))
    with torch.no_grad():
        agent.tokenizer.codebook[0] += 1
    agent.save(folder)
    with pytest.raises(ArtifactError, match=r"were not made by .*; run the rollout stage again"):
        load_recorded_tokenizer(open_store(stored, ROLLOUTS), folder)


# From a factory


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Writes a module of the user's: the documented example with a change; returns its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(change: str = "") -> str:
        assert EXAMPLE is not None
        name = f"mine_{zlib.crc32(f'{tmp_path} {change}'.encode())}"
        (tmp_path / f"{name}.py").write_text(f"{EXAMPLE[1]}\n{change}\n")
        return name

    return write


def test_the_documented_example_is_a_tokenizer(module: Callable[[str], str], tmp_path: Path) -> None:
    source = f"{module('')}:colours"
    tokenizer = load_tokenizer(source, torch.device("cpu"))
    assert isinstance(tokenizer, FrameTokenizer)
    grey = np.full((1, 64, 64, 3), 255, np.uint8)
    assert (encode_frames(tokenizer, grey) == 63).all()
    assert tokenizer_digest(tokenizer) == tokenizer_digest(load_tokenizer(source))
    code, where = torch.tensor([63]), torch.zeros(1, 8, 8, dtype=torch.bool)
    where[0, 2, 3] = True
    image = tokenizer.decode(mask_codes(tokenizer, code, where))  # white on black
    assert image.sum() == 3 * 64 * 64 * (2 / 64 - 1)
    (file,) = tmp_path.glob("mine_*.py")
    before = tokenizer_digest(tokenizer)
    file.write_text(file.read_text() + "# an edit\n")
    assert tokenizer_digest(tokenizer) != before


BROKEN = {
    "raise OSError('no weights')": r"cannot be imported \(OSError: no weights at mine_\d+\.py:\d+\)",
    "import nowhere": r"cannot be imported \(ModuleNotFoundError: No module named 'nowhere'",
    "colours = 3": "is a int, not a function",
    "del colours": r"cannot be imported \(AttributeError",
    "def colours(): return 1 / 0": r"fails \(ZeroDivisionError: division by zero at mine_\d+\.py:\d+\)",
    "def colours(): return object()": "returns a object without codebook",
    "del Colours.blank": "returns a Colours without blank",
    "Colours.context_length = -1": "context_length must be a number of earlier frames, not -1",
    "Colours.context_length = 1": "local must be False where context_length is not 0",
    "Colours.context_length, Colours.local = 1, False": "needs earlier frames, but has no frame",
    "Colours.grid = (4, 4)": r"blank\(2\) must return float32 \[2,3,4,4\], not float32 \[2,3,8,8\]",
    "Colours.grid = 8": "grid must be two whole numbers",
    "Colours.encode = lambda self, f: torch.zeros(len(f), 8, 8)": r"encode must return int64 \[2,8,8\]",
    "Colours.encode = lambda self, f: torch.full((len(f), 8, 8), 64)": r"tokens outside \[0, 64\)",
    "Colours.encode = lambda self, f: torch.randint(64, (len(f), 8, 8))": "encode returns something else",
    "Colours.encode = lambda self, f: f.no": r"fails on a probe frame \(AttributeError",
    "Colours.embed = lambda self, t: self.codebook[t]": r"embed must return float32 \[2,3,8,8\], not",
    "Colours.decode = lambda self, z: z.new_full((len(z), 3, 64, 64), float('nan'))": "are not finite",
    "Colours.decode = lambda self, z: z.new_zeros(len(z), 3, 64, 64)": "no gradient passes through decode",
    "Colours.layers = lambda self: ['mid']": "layers.. must be a list that begins with 'code_input'",
    "Colours.layers = lambda self: ['code_input', 'mid']": "layers.. names 'mid', which is no submodule",
    "def colours():\n    c = Colours()\n    c.codebook += torch.rand(1)\n    return c": "returns another",
    "def colours():\n    c = Colours()\n    c.codebook = torch.ones(40000, 3)\n    return c": (
        "has 40000 codes; 2 to 32767 fit"
    ),
}


@pytest.mark.parametrize("change", BROKEN)
def test_what_is_no_tokenizer_is_refused_in_one_line(module: Callable[[str], str], change: str) -> None:
    source = f"{module(change)}:colours"
    with pytest.raises(ArtifactError, match=f"^{source}: .*{BROKEN[change]}") as raised:
        load_tokenizer(source, torch.device("cpu"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("source", ["data/other", "module.factory", "a:b:c", ":f", "m:"])
def test_the_parameter_names_a_module_and_a_function(source: str) -> None:
    values = {"episodes": 1, "lanes": 1, "temperature": 1.0, "tokenizer": source}
    with pytest.raises(ParamError, match=r"^rollout\.tokenizer: .*package\.module:factory"):
        parse_value(values, "rollout", RolloutConfig)


# In the analysis


class Shifted(Tokenizer):
    """Nothing is not zero here, and a decoded image may depend on more than code and positions."""

    local = False

    def blank(self, n: int) -> Tensor:
        return super().blank(n) + torch.linspace(0.5, 1, 4)[:, None, None]


@pytest.fixture
def shifted() -> Shifted:
    ours = make_decoding_agent(codes=6, size=16).tokenizer
    assert isinstance(ours.config, IrisConfig)
    shifted = Shifted(ours.config, (16, 16)).requires_grad_(False).eval()
    shifted.load_state_dict(ours.state_dict())
    return shifted.double()


def masked(tokenizer: FrameTokenizer, n: int = 4) -> tuple[Tensor, Tensor]:
    where = torch.rand(n, 4, 4, generator=torch.manual_seed(3)) < 0.4
    return mask_codes(tokenizer, torch.arange(n), where), where


def test_masked_latents_are_blank_where_the_code_is_not(shifted: Shifted) -> None:
    latents, where = masked(shifted)
    blank = shifted.blank(1)
    for n, i, j in np.ndindex(4, 4, 4):
        expected = shifted.codebook[n] if where[n, i, j] else blank[0, :, i, j]
        assert torch.equal(latents[n, :, i, j], expected)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_attributions_start_from_blank(shifted: Shifted, method: Any) -> None:
    latents, where = masked(shifted)

    score = ImageScore("norm")
    raw = explain(method, shifted, latents, where, score, "code_input", latents[:1].repeat(8, 1, 1, 1))
    whole = score(shifted.decode(latents))
    assert raw[~where].abs().max() == 0
    if method == "integrated_gradients":
        nothing = score(shifted.decode(shifted.blank(4)))
        torch.testing.assert_close(raw.sum((1, 2)), whole - nothing, rtol=0.01, atol=1e-4)
        return
    for n, i, j in where.nonzero().tolist():
        without = latents.clone()
        without[n, :, i, j] = shifted.blank(1)[0, :, i, j]
        torch.testing.assert_close(raw[n, i, j], (whole - score(shifted.decode(without)))[n])


def test_curves_of_faithfulness_run_from_blank_to_the_whole(shifted: Shifted) -> None:
    latents, _ = masked(shifted)

    def objective(latents: Tensor) -> Tensor:
        return score_images("mean", shifted.decode(latents))

    flat = latent_areas(objective, shifted.blank(2), torch.rand(2, 4, 4), shifted.blank(1))
    for area in flat:
        torch.testing.assert_close(area, objective(shifted.blank(2)))
    inserted, deleted = latent_areas(objective, latents, torch.rand(4, 4, 4), shifted.blank(1))
    assert not torch.allclose(inserted, deleted)


@dataclass(frozen=True)
class Steep(Objective):
    """Rises at one place of the path, differently high for each sample; remembers how many were scored."""

    height: Tensor
    scored: list[int]

    def __call__(self, latents: Tensor) -> Tensor:
        self.scored.append(len(latents))
        return torch.sigmoid(40 * latents.sum((1, 2, 3)) - 20) * self.height

    def take(self, rows: Tensor) -> "Steep":
        return replace(self, height=self.height[rows])


def test_integrated_gradients_take_as_many_points_as_each_map_needs(shifted: Shifted) -> None:
    objective = Steep(shifted, ImageScore("mean"), torch.tensor([1.0, 100.0, 0.0]), [])
    latents, where = torch.full((3, 1, 1, 2), 0.5), torch.ones(3, 1, 2, dtype=torch.bool)
    latents[1] = 0.1
    nothing = torch.zeros(1, 1, 1, 2)
    raw = integrated_gradients(objective, latents, where, nothing, 2)
    assert objective.scored[:4] == [3] * 4  # both ends, and two points
    assert 0 < max(objective.scored[4:]) < 3  # the third is right at once
    exact = objective(latents) - objective(torch.zeros_like(latents))
    torch.testing.assert_close(raw.sum((1, 2)), exact, rtol=0.01, atol=1e-3)
    few = path_gradients(objective, latents, where, nothing.repeat(2, 1, 1, 1))
    assert (few.sum((1, 2)) - exact).abs().max() > 0.1 * exact.abs().max()


def run(tokenizer: FrameTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tokens = np.random.default_rng(0).integers(0, 6, (3, 4, 4))
    tokens[2] = tokens[0]
    play = tmp_path / "play.zarr"
    record_play(play, frames(3), tokens, 6)
    monkeypatch.setattr(distinct_maps, "load_recorded_tokenizer", lambda *_: tokenizer)
    monkeypatch.setenv("IRISLIB_WORKERS", "1")
    config = GradcamConfig("gradcam", "mean", "code_input", samples=2, batch_size=4)
    out = tmp_path / "maps.zarr"
    compute_heatmaps(config, seed=0, agent=tmp_path, rollouts=play, work=tmp_path / "work", out=out)
    return out


@pytest.mark.parametrize("local", [True, False])
def test_occurrences_share_maps_only_of_a_local_tokenizer(
    shifted: Shifted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: bool
) -> None:
    shifted.local = local
    maps = open_store(run(shifted.float(), tmp_path, monkeypatch), HEATMAPS)
    assert (len(maps) < maps.array("occurrence_step").shape[0]) == local


def test_a_map_that_is_not_finite_ends_the_stage_in_one_line(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = agent.tokenizer.requires_grad_(False)
    tokenizer.codebook[4] = float("nan")
    message = r"^gradcam: the map of code 4 in observation \d is not finite \(gradcam of mean\); use .*$"
    with pytest.raises(IrislibError, match=message):
        run(tokenizer, tmp_path, monkeypatch)
    assert not (tmp_path / "maps.zarr").exists()
