"""The world model that predicts a frame's tokens at once, beside IRIS's, which predicts them one by one."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
import torch
from test_parts import experience
from test_train import trained
from tiny import CONFIG, TRAIN
from torch import Tensor

from irislib.agent import Agent, export_official_iris, load_agent
from irislib.agent.config import ActorCriticConfig, AgentConfig, WorldModelConfig
from irislib.agent.continuation import continue_from
from irislib.agent.dropout import dropout_from
from irislib.agent.segments import SegmentBatch
from irislib.agent.transformer import attend
from irislib.agent.world_model import WorldModel
from irislib.device import one_thread
from irislib.errors import ArtifactError
from irislib.tokenizers.config import PatchConfig, VectorQuantizerConfig
from irislib.training.sampling import Sampler
from irislib.training.trainer import COMPONENTS, Trainer

Way = Literal["token", "frame"]
CODES, TOKENS, ACTIONS, BLOCKS = 8, 4, 3, 4
CPU = torch.device("cpu")

# Two rows of two patches: a block is four tokens and an action.
SMALL = AgentConfig(
    (16, 16),
    ACTIONS,
    PatchConfig("patch", VectorQuantizerConfig("vq", CODES, 4, 0), 8, 0, width=4, depth=0, context=0),
    WorldModelConfig(BLOCKS, num_layers=2, num_heads=2, embed_dim=32, dropout=0.0, predicts="frame"),
    ActorCriticConfig(4),
)
CELLS = PatchConfig("patch", VectorQuantizerConfig("vq", 32, 8, 3), 7, 0, width=8, depth=1, context=0)
CELLS_TRAIN = replace(TRAIN, tokenizer=CELLS, world_model=replace(TRAIN.world_model, predicts="frame"))


def make(predicts: Way = "frame", dropout: float = 0.0) -> WorldModel:
    torch.manual_seed(0)
    model = replace(SMALL.world_model, predicts=predicts, dropout=dropout)
    return WorldModel(replace(SMALL, world_model=model)).eval()


def sequences(n: int = 2) -> Tensor:
    """Whole blocks of tokens and an action, int64 [N,BLOCKS*(TOKENS+1)]."""
    tokens = torch.randint(CODES, (n, BLOCKS, TOKENS + 1), generator=torch.Generator().manual_seed(0))
    tokens[..., -1] %= ACTIONS
    return tokens.flatten(1)


def batch(tokens: Tensor, actions: Tensor, mask: Tensor) -> SegmentBatch:
    """Segments of tokens int64 [B,T,TOKENS] without reward or end."""
    return SegmentBatch(tokens.unflatten(2, (2, 2)), actions, torch.zeros(mask.shape), mask & False, mask)


def test_a_block_sees_itself_whole_and_nothing_behind_it() -> None:
    model, block = make(), TOKENS + 1
    whole = model(sequences())
    assert whole.observations.shape == (2, BLOCKS * TOKENS, CODES)
    for place in range(2 * block, 3 * block):
        changed = sequences()
        changed[:, place] = (changed[:, place] + 1) % ACTIONS
        other = model(changed)
        before, own = slice(2 * TOKENS), slice(2 * TOKENS, 3 * TOKENS)
        assert torch.equal(other.observations[:, before], whole.observations[:, before])
        assert torch.equal(other.rewards[:, :2], whole.rewards[:, :2])
        # Every token of the block sees each of the others, and the action.
        seen = (other.observations[:, own] - whole.observations[:, own]).abs().amax(2)
        assert (seen > 0).all() and (other.ends[:, 2] != whole.ends[:, 2]).all()


@pytest.mark.parametrize("blocks", [(1, 1, 1, 1), (2, 2), (1, 3)])
def test_cache_gives_the_logits_of_a_whole_pass(blocks: tuple[int, ...]) -> None:
    model, tokens = make(), sequences()
    whole, cache = model(tokens), model.new_cache(2)
    parts = [model(part, cache) for part in tokens.split([n * (TOKENS + 1) for n in blocks], dim=1)]
    for name in ("observations", "rewards", "ends"):
        pieces = torch.cat([getattr(part, name) for part in parts], dim=1)
        torch.testing.assert_close(pieces, getattr(whole, name), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("predicts", ["token", "frame"])
@pytest.mark.parametrize("padding", ["none", "behind", "before"])
def test_a_loss_is_the_mean_over_its_predictions(predicts: Way, padding: str) -> None:
    """A model that knows nothing has the entropy of even odds, if predictions are counted rightly."""
    model = make(predicts)
    for head in (model.head_observations, model.head_rewards, model.head_ends):
        torch.nn.init.zeros_(head.head_module[-1].weight)  # type: ignore[index, union-attr]
    mask = torch.ones(2, BLOCKS, dtype=torch.bool)
    mask[0, {"none": slice(0), "behind": slice(2, None), "before": slice(1)}[padding]] = False
    tokens = sequences().unflatten(1, (BLOCKS, -1))
    losses = model.losses(batch(tokens[..., :-1], tokens[..., -1], mask))
    odds = {"observations": CODES, "rewards": 3, "ends": 2}
    assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(
        {name: math.log(n) for name, n in odds.items()}, rel=1e-5
    )
    steps, first = {"none": (8, 2), "behind": (6, 2), "before": (7, 1)}[padding]
    unforetold = first * (TOKENS if predicts == "frame" else 1)
    expected = {"observations": steps * TOKENS - unforetold, "rewards": steps, "ends": steps}
    assert model.count_predictions(mask) == expected


def test_padding_changes_no_loss() -> None:
    model, mask = make(), torch.tensor([[True, True, False, False]])
    tokens = sequences(1).unflatten(1, (BLOCKS, -1))
    other = tokens.clone()
    other[:, 2:] = 0
    losses = [model.losses(batch(x[..., :-1], x[..., -1], mask)) for x in (tokens, other)]
    assert losses[0] == losses[1]


def follow(tokens: Tensor, actions: Tensor) -> Tensor:
    """The planted world: a token becomes what stood at the left of its row, plus the action."""
    left = tokens[..., [0, 0, 2, 2]] + torch.tensor([0, 3, 0, 3])
    following: Tensor = (left + actions[..., None]) % CODES
    return following


def play(n: int, steps: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random play in the planted world: tokens int64 [N,steps,TOKENS] and actions int64 [N,steps]."""
    generator = torch.Generator().manual_seed(seed)
    frames = [torch.randint(CODES, (n, TOKENS), generator=generator)]
    actions = torch.randint(ACTIONS, (n, steps), generator=generator)
    for step in range(steps - 1):
        frames.append(follow(frames[-1], actions[:, step]))
    return torch.stack(frames, dim=1), actions


def test_a_planted_world_is_learned_and_imagined() -> None:
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for step in range(250):
        tokens, actions = play(16, BLOCKS, step)
        losses = model.losses(batch(tokens, actions, torch.ones(16, BLOCKS, dtype=torch.bool)))
        optimizer.zero_grad()
        losses["observations"].backward()
        optimizer.step()
    tokens, actions = play(50, BLOCKS, 1000)
    imagined, sample = continue_from(model, tokens[:, 0]), Sampler(0, 50, slice(0, 50), CPU)
    drawn = []
    for step in range(BLOCKS - 1):
        out = imagined.act(actions[:, step])
        assert out.rewards.shape == (50, 1, 3) and out.ends.shape == (50, 1, 2)
        drawn.append(imagined.draw(sample))
    assert float((torch.stack(drawn, dim=1) == tokens[:, 1:]).float().mean()) > 0.95


def test_draws_follow_the_logits_of_their_own_places() -> None:
    logits = torch.tensor([[0.2, 0.8], [0.7, 0.3]]).log().expand(20_000, 2, 2)
    drawn = Sampler(0, 20_000, slice(0, 20_000), CPU)(logits)
    torch.testing.assert_close(drawn.float().mean(0), torch.tensor([0.8, 0.3]), atol=0.02, rtol=0)
    part = Sampler(0, 20_000, slice(5_000, 9_000), CPU)(logits[5_000:9_000])
    assert torch.equal(part, drawn[5_000:9_000])
    assert abs(float(torch.corrcoef(drawn.T.float())[0, 1])) < 0.03


def test_dropout_of_attention_keeps_to_the_groups() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, 6, 4) for _ in range(3))
    with dropout_from(torch.Generator().manual_seed(0)):
        torch.testing.assert_close(attend(q, k, v, 1e-9, 3), attend(q, k, v, 0.0, 3))
    grouped, causal = attend(q, k, v, 0.0, 3), attend(q, k, v, 0.0, 1)
    whole = torch.softmax(q @ k.transpose(2, 3) / 2, -1) @ v
    torch.testing.assert_close(grouped[:, :, 3:], whole[:, :, 3:])
    torch.testing.assert_close(grouped[:, :, 2], causal[:, :, 2])
    assert not torch.allclose(grouped[:, :, :2], causal[:, :, :2])


# A whole agent


def test_an_agent_of_cells_is_trained_and_kept(tmp_path: Path) -> None:
    folder = trained(tmp_path, CELLS_TRAIN)
    agent = load_agent(folder)
    assert agent.config.world_model.predicts == "frame" and agent.config.tokens_per_block == 82
    for component in COMPONENTS:
        assert np.isfinite(pd.read_csv(folder / f"curves/{component}.csv")["total"]).all()


def test_the_bits_do_not_depend_on_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = []
    for workers in ("1", "2", "4"):
        monkeypatch.setenv("IRISLIB_WORKERS", workers)
        torch.manual_seed(0)
        agent = Agent(replace(CONFIG, tokenizer=CELLS, world_model=CELLS_TRAIN.world_model)).eval()
        (tmp_path / workers).mkdir()
        with one_thread():
            trainer = Trainer(CELLS_TRAIN, agent, 0, tmp_path / workers)
            trainer.replay.record(experience())
            for component in COMPONENTS[1:]:
                trainer.fit(component, 2)
        states.append(agent.state_dict())
    for name, value in states[0].items():
        assert all(torch.equal(value, other[name]) for other in states[1:]), name


def test_an_agent_from_before_there_was_a_choice_predicts_tokens(tmp_path: Path) -> None:
    Agent(CONFIG).save(tmp_path)
    file = tmp_path / "config.json"
    content = json.loads(file.read_text())
    del content["agent"]["world_model"]["predicts"]
    file.write_text(json.dumps(content))
    assert load_agent(tmp_path).config == CONFIG


def test_the_official_code_is_given_no_such_world_model(tmp_path: Path) -> None:
    agent = Agent(replace(CONFIG, world_model=replace(CONFIG.world_model, predicts="frame")))
    with pytest.raises(
        ArtifactError, match=r"last\.pt: .*token by token.*train\.world_model\.predicts: token"
    ):
        export_official_iris(agent, tmp_path / "last.pt")
