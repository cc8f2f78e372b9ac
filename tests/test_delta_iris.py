"""Δ-IRIS against the official code, whose outputs `benchmarks.delta_iris` has written down."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.delta_iris_weights import ACTIONS, CODES, PARTS, Inputs, make_inputs, make_weights
from irislib.agent.delta_iris import DeltaIris, is_delta_iris, load_delta_iris, load_official_delta_iris
from irislib.agent.delta_iris.world_model import DeltaSegments
from irislib.errors import ArtifactError
from irislib.tokenizers.context import Context, Given

CPU = torch.device("cpu")
FIELDS = ("tokens", "rewards", "ends")


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "golden" / "delta_iris.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def state(golden: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """The official agent's state dict with the weights that the golden outputs are of."""
    buffers = {k.removeprefix("buffer:"): v for k, v in golden.items() if k.startswith("buffer:")}
    entries: dict[str, Any] = json.loads(str(golden["entries"]))
    shapes = {name: tuple(shape) for name, (dtype, shape) in entries.items() if dtype == "float32"}
    masks = {
        name: np.tril(np.ones(shape, bool)) for name, (dtype, shape) in entries.items() if dtype == "bool"
    }
    assert len(buffers) + len(shapes) + len(masks) == len(entries)
    made = make_weights(shapes) | buffers | masks
    return {name: torch.from_numpy(np.asarray(value)) for name, value in made.items()}


@pytest.fixture(scope="module")
def last_pt(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("official") / "last.pt"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def agent(last_pt: Path) -> DeltaIris:
    return load_official_delta_iris(last_pt, device=CPU)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return make_inputs()


def close(ours: Tensor, theirs: np.ndarray, within: float) -> None:
    torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=0, atol=within)


def test_sizes_are_read_off_the_shapes(agent: DeltaIris) -> None:
    tokenizer, world_model = agent.config.tokenizer, agent.config.world_model
    assert agent.config.frame == (64, 64) and agent.config.num_actions == ACTIONS
    assert (tokenizer.vocab_size, tokenizer.embed_dim, tokenizer.side) == (CODES, 64, 2)
    for net in (tokenizer.encoder, tokenizer.decoder, tokenizer.frame_cnn, world_model.frame_cnn):
        assert (net.mult, net.down) == ((1, 1, 2, 2, 4), (1, 0, 1, 1, 0))
    assert (tokenizer.decoder.image_channels, tokenizer.decoder.latent_dim) == (3, 76)
    assert (world_model.max_blocks, world_model.num_layers, world_model.num_heads) == (21, 3, 8)
    assert world_model.two_hot_rewards and agent.config.actor_critic.two_hot_values
    assert agent.steps == 0 and not agent.training


@pytest.mark.parametrize("still", [False, True])
@torch.no_grad()
def test_tokens_and_reconstructions(
    agent: DeltaIris, inputs: Inputs, golden: dict[str, np.ndarray], still: bool
) -> None:
    frames = torch.from_numpy(inputs.frames)
    before = frames[:, :-1].flatten(0, 1)
    context = Context(before[:, None], torch.from_numpy(inputs.actions[:, :-1]).reshape(-1, 1))
    tokenizer = Given(agent.tokenizer, context)
    prefix = "still_" if still else ""
    tokens = tokenizer.encode(before if still else frames[:, 1:].flatten(0, 1))
    assert torch.equal(tokens.view(2, 7, 4), torch.from_numpy(golden[f"{prefix}tokens"]))
    assert len(tokens.unique()) > 20
    if still:  # what changes nothing is what the official encoder says of a frame that did not change
        assert torch.equal(tokenizer.blank(14), tokenizer.embed(tokens))
    images = (tokenizer.decode(tokenizer.embed(tokens)) + 1) / 2
    pixels = images.flatten(1)[:, inputs.pixels].view(2, 7, -1)
    close(pixels, golden[f"{prefix}reconstructions"], 1e-5)


@pytest.mark.parametrize(("name", "parts"), [("whole", None), ("cached", PARTS)])
@torch.no_grad()
def test_predictions(
    agent: DeltaIris, inputs: Inputs, golden: dict[str, np.ndarray], name: str, parts: tuple[int, ...] | None
) -> None:
    model = agent.world_model
    given = (torch.from_numpy(getattr(inputs, field)) for field in ("frames", "actions", "tokens"))
    sequence, cache = model.embed(*given), None
    if parts is not None:
        sequence, cache = sequence[:, : sum(parts)], model.new_cache(2)
    outputs = [model(part, cache) for part in sequence.split(parts or sequence.shape[1], dim=1)]
    for field in FIELDS:
        logits = torch.cat([getattr(out, field) for out in outputs], dim=1)
        if field == "tokens":
            close(logits[..., inputs.codes], golden[f"{name}_latents"], 1e-4)
        else:
            close(logits, golden[f"{name}_{field}"], 1e-4)


@torch.no_grad()
def test_losses(agent: DeltaIris, inputs: Inputs, golden: dict[str, np.ndarray]) -> None:
    names = ("frames", "actions", "tokens", "rewards", "ends")
    fields = {name: torch.from_numpy(getattr(inputs, name)) for name in names}
    batch = DeltaSegments(**fields, mask=torch.ones(2, 8, dtype=torch.bool))
    losses = agent.world_model.losses(batch)
    close(torch.stack(list(losses.values())).double(), golden["losses"], 1e-4)


@torch.no_grad()
def test_policy_over_time(agent: DeltaIris, inputs: Inputs, golden: dict[str, np.ndarray]) -> None:
    frames = torch.from_numpy(inputs.frames).movedim(-1, 2) / 255
    state = agent.actor_critic.initial_state(2)
    for step, seen in enumerate(frames.unbind(1)):
        logits, values, state = agent.actor_critic(seen, state)
        close(logits, golden["actions"][step], 1e-4)
        buckets = torch.from_numpy(golden["values"][step]).softmax(-1) @ torch.linspace(-20, 20, 255)
        torch.testing.assert_close(values, buckets.sign() * (buckets.abs().exp() - 1), rtol=1e-3, atol=1e-4)


def test_a_folder_holds_the_same_agent(last_pt: Path, agent: DeltaIris, tmp_path: Path) -> None:
    agent.save(tmp_path)
    again = load_delta_iris(tmp_path, CPU)
    assert is_delta_iris(last_pt) and again.config == agent.config
    for name, value in agent.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def spoiled(state: dict[str, Tensor], change: dict[str, Tensor | None], path: Path) -> Path:
    kept = {name: value for name, value in (state | change).items() if value is not None}
    torch.save(kept, path)
    return path


WIDE = "world_model.act_emb.weight"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"tokenizer.decoder.decoder.3.f.2.weight": None}, "lacks tokenizer.decoder.decoder.3"),
        ({WIDE: torch.zeros(4, 512)}, f"{WIDE} is (4, 512), not (17, 512)"),
        ({WIDE: torch.full((17, 512), torch.nan)}, f"{WIDE} holds values that are not finite"),
        (
            {"world_model.transformer.blocks.0.sa.mask": torch.ones(126, 126, dtype=torch.bool)},
            "not that of causal attention",
        ),
        ({"world_model.transformer.pos_emb.weight": torch.zeros(125, 512)}, "125 positions"),
    ],
)
def test_other_files_are_refused(
    state: dict[str, Tensor], change: dict[str, Tensor | None], complaint: str, tmp_path: Path
) -> None:
    path = spoiled(state, change, tmp_path / "last.pt")
    with pytest.raises(ArtifactError) as caught:
        load_official_delta_iris(path, device=CPU)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def test_what_only_training_needs_may_be_missing_or_more(state: dict[str, Tensor], tmp_path: Path) -> None:
    needless = {name: None for name in state if ".target_model." in name or name.endswith(".mask")}
    path = spoiled(state, {**needless, "optimizer.step": torch.zeros(1)}, tmp_path / "last.pt")
    assert load_official_delta_iris(path, device=CPU).config.num_actions == ACTIONS
