"""irislib against the official code, whose outputs `benchmarks.golden` has written down."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import CONFIG as TINY
from torch import Tensor

from benchmarks.official_weights import (
    ENTROPY_WEIGHT,
    GAMMA,
    LAMBDA,
    OFFICIAL,
    PARTS,
    Inputs,
    make_inputs,
    make_weights,
)
from irislib.agent import Agent, official
from irislib.agent.config import ActorCriticConfig, AgentConfig, FitActorCriticConfig, WorldModelConfig
from irislib.agent.official import export_official_iris, load_official_iris
from irislib.agent.segments import SegmentBatch
from irislib.agent.world_model import WorldModelOutput
from irislib.errors import ArtifactError
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.training.imagination import Imagined, actor_critic_losses, lambda_returns

CPU = torch.device("cpu")
CODES = VectorQuantizerConfig("vq", 9, 4, 0)
FIELDS = ("observations", "rewards", "ends")
SMALL = AgentConfig(
    frame=(32, 32),
    num_actions=5,
    tokenizer=IrisConfig(VectorQuantizerConfig("vq", 24, 6, 0), 10, 64, (1, 2, 1), 1, (8, 16)),
    world_model=WorldModelConfig(max_blocks=3, num_layers=2, num_heads=2, embed_dim=16, dropout=0.1),
    actor_critic=ActorCriticConfig(lstm_dim=7),
)


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "golden" / "official.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def state(golden: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """The official agent's state dict with the weights that the golden outputs are of."""
    buffers = {k.removeprefix("buffer:"): v for k, v in golden.items() if k.startswith("buffer:")}
    shapes = {name: tuple(shape) for name, (_, shape) in entries(golden).items() if name not in buffers}
    return {name: torch.from_numpy(value) for name, value in (make_weights(shapes) | buffers).items()}


@pytest.fixture(scope="module")
def last_pt(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("official") / "last.pt"
    # A trained one also has the perceptual loss.
    torch.save({**state, "tokenizer.lpips.scaling_layer.shift": torch.zeros(1, 3, 1, 1)}, path)
    return path


@pytest.fixture(scope="module")
def agent(last_pt: Path) -> Agent:
    return load_official_iris(last_pt, device=CPU)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return make_inputs()


@pytest.fixture(scope="module")
def small_state(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    path = tmp_path_factory.mktemp("small") / "last.pt"
    export_official_iris(Agent(SMALL), path)
    return load(path)


def entries(golden: dict[str, np.ndarray]) -> dict[str, list[Any]]:
    return json.loads(str(golden["entries"]))  # type: ignore[no-any-return]


def load(path: Path) -> dict[str, Tensor]:
    return torch.load(path, weights_only=True)  # type: ignore[no-any-return]


def close(ours: Tensor, theirs: np.ndarray, within: float) -> None:
    torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=0, atol=within)


def test_sizes_are_read_off_the_shapes(agent: Agent) -> None:
    assert agent.config == OFFICIAL and agent.steps == 0 and not agent.training


@torch.no_grad()
def test_tokens_and_reconstructions(agent: Agent, inputs: Inputs, golden: dict[str, np.ndarray]) -> None:
    tokens = agent.tokenizer.encode(torch.from_numpy(inputs.frames))
    assert torch.equal(tokens, torch.from_numpy(golden["tokens"]))
    assert len(tokens.unique()) > 100
    frames = agent.tokenizer.decode(agent.tokenizer.embed(tokens))
    close(frames.flatten(1)[:, inputs.pixels], golden["reconstructions_float32"], 1e-5)


@torch.no_grad()
def test_reconstructions_in_double_precision(
    last_pt: Path, inputs: Inputs, golden: dict[str, np.ndarray]
) -> None:
    tokenizer = load_official_iris(last_pt, device=CPU).tokenizer.double()
    frames = torch.from_numpy(inputs.frames[:4]).permute(0, 3, 1, 2).double() / 127.5 - 1
    out = tokenizer.quantize(frames)
    assert torch.equal(out.tokens, torch.from_numpy(golden["tokens"][:4]))
    pixels = tokenizer.decode(out.z_quantized).flatten(1)[:, inputs.pixels]
    close(pixels, golden["reconstructions_float64"][:4], 1e-9)


@pytest.mark.parametrize(("name", "parts"), [("whole", None), ("cached", PARTS)])
@torch.no_grad()
def test_predictions(
    agent: Agent, inputs: Inputs, golden: dict[str, np.ndarray], name: str, parts: tuple[int, ...] | None
) -> None:
    tokens, cache = torch.from_numpy(inputs.tokens), None
    if parts is not None:
        tokens, cache = tokens[:, : sum(parts)], agent.world_model.new_cache(len(tokens))
    outputs: list[WorldModelOutput] = [
        agent.world_model(part, cache) for part in tokens.split(parts or tokens.shape[1], dim=1)
    ]
    for field in FIELDS:
        logits = torch.cat([getattr(out, field) for out in outputs], dim=1)
        close(
            logits[..., inputs.codes] if field == "observations" else logits, golden[f"{name}_{field}"], 1e-4
        )


@torch.no_grad()
def test_policy_over_time(agent: Agent, inputs: Inputs, golden: dict[str, np.ndarray]) -> None:
    frames = torch.from_numpy(inputs.frames[:12]).permute(0, 3, 1, 2).unflatten(0, (3, 4)) / 255
    state = agent.actor_critic.initial_state(4)
    for step, seen in enumerate(frames):
        logits, values, state = agent.actor_critic(seen, state)
        close(logits, golden["actions"][step], 1e-5)
        close(values, golden["values"][step], 1e-5)


def test_lambda_returns(inputs: Inputs, golden: dict[str, np.ndarray]) -> None:
    rewards, values, ends = (torch.from_numpy(x) for x in (inputs.rewards, inputs.values, inputs.ends))
    close(lambda_returns(rewards, values, ends, GAMMA, LAMBDA), golden["returns"], 1e-5)


@torch.no_grad()
def test_losses(agent: Agent, inputs: Inputs, golden: dict[str, np.ndarray]) -> None:
    def check(network: str, *ours: Tensor) -> None:
        close(torch.stack(ours).double(), golden[f"{network}_losses"], 1e-5)

    losses, _ = agent.tokenizer.losses(torch.from_numpy(inputs.frames[:4]))
    check("tokenizer", losses["reconstruction"], losses["codebook"] + losses["commitment"])

    tokens = torch.from_numpy(inputs.tokens).view(*inputs.mask.shape, -1)
    rewards, ends, mask = (torch.from_numpy(x) for x in (inputs.rewards[:2], inputs.terminated, inputs.mask))
    batch = SegmentBatch(tokens[..., :-1].unflatten(2, (4, 4)), tokens[..., -1], rewards, ends, mask)
    losses = agent.world_model.losses(batch)
    check("world_model", *(losses[field] for field in FIELDS))

    columns = (inputs.logits, inputs.values, inputs.actions, inputs.rewards, inputs.ends)
    fit = FitActorCriticConfig(0, 1, 4, 1e-4, 10.0, 20, 0, GAMMA, LAMBDA, ENTROPY_WEIGHT, past_end=True)
    losses = actor_critic_losses(Imagined(*map(torch.from_numpy, columns)), fit)
    check("actor_critic", losses["actions"], losses["values"], losses["entropy"])


def test_export_has_every_official_entry(
    agent: Agent, state: dict[str, Tensor], golden: dict[str, np.ndarray], tmp_path: Path
) -> None:
    export_official_iris(agent, tmp_path / "last.pt")
    again = load(tmp_path / "last.pt")
    found = {name: [str(t.dtype).removeprefix("torch."), list(t.shape)] for name, t in again.items()}
    assert found == entries(golden)
    assert all(torch.equal(again[name], state[name]) for name in state)


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        replace(SMALL, frame=(48, 48), tokenizer=IrisConfig(CODES, 5, 64, (1, 1, 1, 1, 2), 2, ())),
        replace(SMALL, frame=(16, 16), tokenizer=IrisConfig(CODES, 4, 96, (1,), 1, (16,))),
        replace(SMALL, world_model=WorldModelConfig(5, 1, 3, 12, 0.1), actor_critic=ActorCriticConfig(4)),
    ],
)
def test_other_sizes_come_back(config: AgentConfig, tmp_path: Path) -> None:
    exported = Agent(config)
    export_official_iris(exported, tmp_path / "last.pt")
    again = load_official_iris(tmp_path / "last.pt", config.world_model.num_heads, CPU)
    assert again.config == config
    assert all(torch.equal(a, b) for a, b in zip(exported.parameters(), again.parameters(), strict=True))


def test_an_agent_saved_on_a_gpu_loads_without_one(
    small_state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("torch.serialization.location_tag", lambda storage: "cuda:0")
        torch.save(small_state, tmp_path / "last.pt")
    assert load_official_iris(tmp_path / "last.pt", 2, CPU).device == CPU


def without(name: str) -> dict[str, Any]:
    return {name: None}


@pytest.mark.parametrize(
    ("changes", "num_heads", "message"),
    [
        (without("tokenizer.embedding.weight"), 2, r"lacks tokenizer\.embedding\.weight; give the"),
        (without("actor_critic.conv2.bias"), 2, r"lacks actor_critic\.conv2\.bias; give the"),
        (without("world_model.transformer.blocks.0.ln1.bias"), 2, r"lacks world_model.*ln1\.bias"),
        ({"tokenizer.quantizer": torch.zeros(1)}, 2, r"holds tokenizer\.quantizer, which no IRIS agent"),
        ({"actor_critic.conv2.bias": torch.zeros(9)}, 2, r"conv2\.bias is \(9,\), not \(32,\)"),
        ({"tokenizer.embedding.weight": torch.zeros(9)}, 2, r"tokenizer\.embedding\.weight is \(9,\)"),
        ({"world_model.pos_emb.weight": torch.zeros(100, 16)}, 2, r"100 positions .* fit no frames"),
        ({"tokenizer.embedding.weight": torch.zeros(40000, 6)}, 2, r"vocab_size: .* 32767"),
        ({"world_model.transformer.blocks.0.attn.mask": torch.ones(195, 195)}, 2, r"not that of causal"),
        (
            {"actor_critic.conv2.bias": torch.full((32,), float("nan"))},
            2,
            r"actor_critic\.conv2\.bias holds values that are not finite; give the",
        ),
        (
            {"actor_critic.conv2.bias": torch.ones(32, dtype=torch.int32)},
            2,
            r"actor_critic\.conv2\.bias is int32, not floating point; give the",
        ),
        ({"epoch": 3}, 2, r"not a state dict; give the"),
        ({}, 3, r"3 heads do not divide .* 16 dimensions; pass the num_heads"),
        ({}, 0, r"0 heads do not divide"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    small_state: dict[str, Tensor], tmp_path: Path, changes: dict[str, Any], num_heads: int, message: str
) -> None:
    path = tmp_path / "last.pt"
    torch.save({k: v for k, v in {**small_state, **changes}.items() if v is not None}, path)
    refuses(path, message, num_heads)


def test_files_that_are_no_agent_are_refused(tmp_path: Path) -> None:
    refuses(tmp_path / "none.pt", "missing; give the")
    for content in (b"", b"not torch's", b"PK\x03\x04torn"):
        (tmp_path / "last.pt").write_bytes(content)
        refuses(tmp_path / "last.pt", r"damaged or not torch's \(\w+\); give the")
    refuses(tmp_path, "damaged or not torch's")


def test_groups_of_channels_that_would_differ_are_refused(tmp_path: Path) -> None:
    """The shapes would fit, and the outputs would be others."""
    path = tmp_path / "last.pt"
    with pytest.raises(ArtifactError, match="in 32 groups by the official code, in 4 by irislib"):
        export_official_iris(Agent(TINY), path)
    assert not path.exists()
    state = Agent(TINY).state_dict()
    torch.save({official.CODEBOOK if n == official.OUR_CODEBOOK else n: w for n, w in state.items()}, path)
    refuses(path, "in 32 groups by the official code, in 4 by irislib", 2)


def refuses(path: Path, message: str, num_heads: int = 4) -> None:
    with pytest.raises(ArtifactError, match=message) as caught:
        load_official_iris(path, num_heads, CPU)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
