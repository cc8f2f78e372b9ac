"""The agent's parts against independent, slower ways to say the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import CONFIG, TOKENIZER

from irislib.agent import Agent, load_agent
from irislib.agent.config import FitActorCriticConfig
from irislib.agent.segments import SegmentBatch
from irislib.device import pick_device
from irislib.errors import ArtifactError, IrislibError, ParamError
from irislib.tokenizers.iris import Tokenizer, perplexity
from irislib.tokenizers.quantizers import FreeCodebook
from irislib.tokenizers.revival import Revival
from irislib.training.imagination import Imagined, actor_critic_losses, imagine, lambda_returns
from irislib.training.sampling import Sampler
from irislib.training.trainer import decay_groups

FIT = FitActorCriticConfig(
    0, 1, 2, 0.001, 10.0, horizon=3, burn_in=1, gamma=0.9, lambda_=0.8, entropy_weight=0.01, past_end=True
)


@pytest.fixture
def agent() -> Agent:
    torch.manual_seed(0)
    return Agent(CONFIG, steps=7).eval()


def frames(n: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, 64, 64, 3), dtype=np.uint8))


def test_tokenizer_keeps_its_contract(agent: Agent) -> None:
    tokens = agent.tokenizer.encode(frames(3))
    assert tokens.shape == (3, 4, 4) and tokens.dtype == torch.int64
    assert agent.tokenizer.codebook.shape == (32, 8)
    assert agent.tokenizer.decode(agent.tokenizer.embed(tokens)).shape == (3, 3, 64, 64)


def test_tokens_are_the_nearest_codes(agent: Agent) -> None:
    torch.nn.init.normal_(agent.tokenizer.codebook)
    out = agent.tokenizer.quantize(torch.randn(2, 3, 64, 64))
    distance = torch.cdist(out.z.movedim(1, -1).reshape(-1, 8), agent.tokenizer.codebook)
    assert torch.equal(out.tokens.flatten(), distance.argmin(1))


def test_gradient_passes_straight_through_the_codebook(agent: Agent) -> None:
    losses, _ = agent.tokenizer.losses(frames(2))
    losses["reconstruction"].backward()
    assert isinstance(agent.tokenizer, Tokenizer)
    gradient = agent.tokenizer.encoder.conv_in.weight.grad
    assert gradient is not None
    assert gradient.abs().sum() > 0
    # The codes are moved by their own loss only.
    assert agent.tokenizer.codebook.grad is None


def test_cache_gives_the_logits_of_a_whole_pass(agent: Agent) -> None:
    tokens = torch.randint(5, (2, 3 * 17))
    whole = agent.world_model(tokens)
    cache = agent.world_model.new_cache(2)
    parts = [agent.world_model(part, cache) for part in tokens.split([16, 1, 1, 1, 20, 12], dim=1)]
    for name in ("observations", "rewards", "ends"):
        pieces = torch.cat([getattr(part, name) for part in parts], dim=1)
        torch.testing.assert_close(pieces, getattr(whole, name), rtol=1e-4, atol=1e-5)


def test_world_model_is_causal(agent: Agent) -> None:
    tokens = torch.randint(5, (1, 3 * 17))
    changed = tokens.clone()
    changed[:, 20:] = (changed[:, 20:] + 1) % 5
    one, other = agent.world_model(tokens).observations, agent.world_model(changed).observations
    # Position 15 predicts nothing, so the logits before position 20 are the first 19.
    torch.testing.assert_close(one[:, :19], other[:, :19])
    assert not torch.allclose(one[:, 19:], other[:, 19:])


def test_world_model_learns_what_comes_next(agent: Agent) -> None:
    """A fixed sequence must become predictable: fails when labels are shifted by one."""
    torch.manual_seed(0)
    batch = SegmentBatch(
        torch.randint(32, (2, 3, 4, 4)),
        torch.tensor([[0, 1, 2], [3, 4, 0]]),
        torch.tensor([[0.0, 1.0, -0.1], [1.0, 0.0, 0.0]]),
        torch.tensor([[False, False, True], [False, False, False]]),
        torch.ones(2, 3, dtype=torch.bool),
    )
    optimizer = torch.optim.Adam(agent.world_model.parameters(), 1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        total = torch.stack(list(agent.world_model.losses(batch).values())).sum()
        total.backward()
        optimizer.step()
    assert all(loss < 0.15 for loss in agent.world_model.losses(batch).values())


def test_padding_changes_no_loss(agent: Agent) -> None:
    def losses(tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        mask = torch.tensor([[True, True, False]])
        batch = SegmentBatch(
            tokens, torch.zeros(1, 3).long(), torch.zeros(1, 3), torch.zeros(1, 3).bool(), mask
        )
        return agent.world_model.losses(batch)

    seen = torch.randint(32, (1, 3, 4, 4))
    other = seen.clone()
    other[:, 2] = 0
    assert losses(seen) == losses(other)


def test_lambda_returns_equal_their_recursive_definition() -> None:
    rng = np.random.default_rng(0)
    rewards, values = (torch.from_numpy(rng.normal(size=(4, 6))) for _ in range(2))
    ends = torch.from_numpy(rng.random((4, 6)) < 0.3)

    def ret(b: int, t: int) -> float:
        if t == 5:
            return float(values[b, t])
        if ends[b, t]:
            return float(rewards[b, t])
        return float(rewards[b, t] + 0.9 * (0.2 * values[b, t + 1] + 0.8 * ret(b, t + 1)))

    expected = torch.tensor([[ret(b, t) for t in range(6)] for b in range(4)], dtype=torch.float64)
    torch.testing.assert_close(lambda_returns(rewards, values, ends, 0.9, 0.8), expected)


def segment_batch() -> SegmentBatch:
    mask = torch.tensor([[True, True], [False, True]])
    tokens = torch.arange(64).view(2, 2, 4, 4) % 32
    return SegmentBatch(tokens, torch.zeros(2, 2).long(), torch.zeros(2, 2), mask & False, mask)


def imagined_by(
    agent: Agent, batch: SegmentBatch, rows: slice, precision: torch.dtype = torch.float32
) -> Imagined:
    sample = Sampler(0, 2, rows, torch.device("cpu"))
    part = SegmentBatch(*(column[rows] for column in vars(batch).values()))
    return imagine(
        part,
        agent.tokenizer,
        agent.world_model,
        agent.actor_critic,
        horizon=3,
        sample=sample,
        precision=precision,
    )


def test_imagination_gives_gradients_to_the_policy_alone(agent: Agent) -> None:
    imagined = imagined_by(agent, segment_batch(), slice(0, 2))
    assert imagined.logits.shape == (2, 3, 17) and imagined.ends.dtype == torch.bool
    assert set(imagined.rewards.unique().tolist()) <= {-1.0, 0.0, 1.0}
    torch.stack(list(actor_critic_losses(imagined, FIT).values())).sum().backward()
    assert all(p.grad is not None for p in agent.actor_critic.parameters())
    assert all(p.grad is None for m in (agent.tokenizer, agent.world_model) for p in m.parameters())


def test_a_part_of_a_batch_imagines_what_it_would_in_the_whole(agent: Agent) -> None:
    whole = imagined_by(agent, segment_batch(), slice(0, 2))
    parts = [imagined_by(agent, segment_batch(), slice(i, i + 1)) for i in range(2)]
    for name, expected in vars(whole).items():
        torch.testing.assert_close(torch.cat([getattr(part, name) for part in parts]), expected)


def test_imagination_in_half_precision_stays_close(agent: Agent) -> None:
    exact = imagined_by(agent, segment_batch(), slice(0, 2))
    coarse = imagined_by(agent, segment_batch(), slice(0, 2), torch.bfloat16)
    assert not torch.equal(exact.logits, coarse.logits)
    torch.testing.assert_close(exact.logits, coarse.logits, atol=0.01, rtol=0.01)


def test_sampler_draws_by_the_logits() -> None:
    logits = torch.tensor([0.1, 0.6, 0.3]).log().expand(100_000, 3)
    drawn = Sampler(0, len(logits), slice(0, len(logits)), torch.device("cpu"))(logits)
    torch.testing.assert_close(drawn.bincount() / len(logits), logits[0].exp(), atol=0.01, rtol=0)


def test_policy_learns_the_rewarded_action(agent: Agent) -> None:
    """Where one action always pays, its probability must rise: fails when a sign is wrong."""
    torch.manual_seed(0)
    logits = torch.zeros(64, 3, 5, requires_grad=True)
    actions = torch.randint(5, (64, 3))
    rewards = (actions == 2).float()
    zeros = torch.zeros(64, 3)
    losses = actor_critic_losses(
        Imagined(logits, zeros.requires_grad_(), actions, rewards, zeros.bool()), FIT
    )
    losses["actions"].backward()
    assert logits.grad is not None
    assert logits.grad[:, :2].sum((0, 1)).argmin() == 2


def test_steps_after_an_end_count_only_where_they_are_asked_for() -> None:
    """Nothing that is planted after the first end changes a loss or a gradient."""
    ends = torch.tensor([[False, True, False, True, False], [False] * 5])

    def gradients(later: float, past_end: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        logits, values = torch.randn(2, 5, 3), torch.randn(2, 5)
        actions, rewards = torch.randint(3, (2, 5)), torch.rand(2, 5)
        for planted in (logits, values, rewards):
            planted[0, 2:] += later
        logits.requires_grad_(), values.requires_grad_()
        fit = replace(FIT, past_end=past_end)
        losses = actor_critic_losses(Imagined(logits, values, actions, rewards, ends), fit)
        torch.stack(list(losses.values())).sum().backward()
        assert logits.grad is not None and values.grad is not None
        return [torch.stack(list(losses.values())).detach(), logits.grad, values.grad]

    ignored, planted = gradients(0.0, False), gradients(3.0, False)
    for one, other in zip(ignored, planted, strict=True):
        torch.testing.assert_close(one, other)
    assert ignored[1][0, :2].any() and not ignored[1][0, 2:].any()  # the step that ends it counts
    assert ignored[1][1, :-1].any() and ignored[2][1, :-1].all()
    counted = gradients(3.0, True)
    assert not torch.allclose(counted[0], planted[0]) and counted[1][0, 2:-1].any()


def test_burn_in_skips_padding(agent: Agent) -> None:
    seen = torch.rand(1, 3, 3, 64, 64)
    short = agent.actor_critic.burn_in(seen[:, 1:].unbind(1), torch.ones(1, 2).bool())
    padded = agent.actor_critic.burn_in(seen.unbind(1), torch.tensor([[False, True, True]]))
    torch.testing.assert_close(short.h, padded.h)


def test_acting_depends_on_the_row_alone(agent: Agent) -> None:
    seen, state = frames(3), agent.actor_critic.initial_state(3)
    rngs = [np.random.default_rng(i) for i in range(3)]
    together, _, _ = agent.act(seen, state, rngs, 1.0)
    alone = agent.act(seen[1:2], state.select(torch.tensor([1])), [np.random.default_rng(1)], 1.0)[0]
    assert together[1] == alone[0]


def test_revival_moves_idle_codes_only(agent: Agent) -> None:
    tokenizer = agent.tokenizer
    optimizer = torch.optim.Adam(tokenizer.parameters())
    assert isinstance(tokenizer.quantizer, FreeCodebook)
    revival = Revival(tokenizer.quantizer, optimizer, after=2, by="chance", seed=0)
    losses, quantized = tokenizer.losses(frames(2))
    torch.stack(list(losses.values())).sum().backward()
    optimizer.step()
    before, used = tokenizer.codebook.detach().clone(), quantized.tokens.unique()
    revival.after_batch([quantized])
    assert torch.equal(before, tokenizer.codebook)
    revival.after_batch([quantized])
    assert torch.equal(before[used], tokenizer.codebook[used])
    idle = torch.ones(32).bool()
    idle[used] = False
    outputs = quantized.z.movedim(1, -1).reshape(-1, 8)
    moved = (tokenizer.codebook[idle][:, None] == outputs).all(-1).any(1)
    assert idle.any() and moved.all()


def test_weight_decay_is_for_linear_weights(agent: Agent) -> None:
    decayed, others = decay_groups(agent.world_model, 0.1)
    assert {p.ndim for p in decayed["params"]} == {2} and others["weight_decay"] == 0
    assert len(decayed["params"]) + len(others["params"]) == len(list(agent.world_model.parameters()))
    assert not any(p is agent.world_model.pos_emb.weight for p in decayed["params"])


def test_perplexity_of_even_use_is_the_number_of_codes() -> None:
    assert perplexity(torch.arange(8).repeat(3), 32) == pytest.approx(8)


def test_saved_agent_is_the_same_agent(agent: Agent, tmp_path: Path) -> None:
    agent.save(tmp_path)
    again = load_agent(tmp_path)
    assert again.steps == 7 and again.config == CONFIG
    assert all(torch.equal(a, b) for a, b in zip(agent.parameters(), again.parameters(), strict=True))


def test_damaged_missing_and_foreign_agents_are_refused(agent: Agent, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="missing"):
        load_agent(tmp_path)
    agent.save(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match="damaged"):
        load_agent(tmp_path)
    (tmp_path / "config.json").write_text('{"schema": "other", "schema_version": 1}')
    with pytest.raises(ArtifactError, match="'other'"):
        load_agent(tmp_path)


def test_frames_need_not_be_square_or_multiples_of_16() -> None:
    torch.manual_seed(0)
    eighths = replace(TOKENIZER, ch_mult=(1, 1, 2, 2))
    agent = Agent(replace(CONFIG, frame=(40, 56), tokenizer=eighths)).eval()
    assert agent.config.grid == (5, 7) and agent.config.tokens_per_block == 36
    assert agent.actor_critic.lstm.input_size == 64 * 2 * 3
    seen = torch.zeros(2, 40, 56, 3, dtype=torch.uint8)
    rngs = [np.random.default_rng(i) for i in range(2)]
    actions, tokens, _ = agent.act(seen, agent.actor_critic.initial_state(2), rngs, 1.0)
    assert actions.shape == (2,) and tokens.shape == (2, 5, 7)
    zeros, inside = torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool)
    batch = SegmentBatch(torch.stack([tokens] * 3, 1), zeros.long(), zeros, zeros.bool(), inside)
    assert all(loss.isfinite() for loss in agent.world_model.losses(batch).values())
    sample = Sampler(0, 2, slice(0, 2), torch.device("cpu"))
    imagined = imagine(batch, agent.tokenizer, agent.world_model, agent.actor_critic, 2, sample)
    assert imagined.logits.shape == (2, 2, 17)


def test_frames_that_are_too_small_or_do_not_divide_are_refused() -> None:
    with pytest.raises(ParamError, match=r"env: frames of 64 x 8 pixels are too small for the actor-critic"):
        replace(CONFIG, frame=(64, 8))
    with pytest.raises(ParamError, match=r"env: frames of 72 x 64 pixels do not divide into tokens of 16"):
        Agent(replace(CONFIG, frame=(72, 64)))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_an_agent_that_is_not_finite_is_neither_written_nor_read(
    agent: Agent, value: float, tmp_path: Path
) -> None:
    agent.save(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    name = "actor_critic.actor_linear.bias"
    save_file(weights | {name: torch.full_like(weights[name], value)}, tmp_path / "model.safetensors")
    with pytest.raises(ArtifactError, match=rf"{name} holds values that are not finite"):
        load_agent(tmp_path)
    agent.actor_critic.actor_linear.bias.data[0] = value
    with pytest.raises(IrislibError, match=rf"^{name}: not finite in float32"):
        agent.save(tmp_path)


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64])
def test_weights_that_are_not_floating_point_are_refused(
    agent: Agent, dtype: torch.dtype, tmp_path: Path
) -> None:
    agent.save(tmp_path)
    weights = {name: w.to(dtype).contiguous() for name, w in agent.state_dict().items()}
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ArtifactError, match=r"not floating point"):
        load_agent(tmp_path)


def test_a_weight_beyond_half_precision_is_not_written_as_such(agent: Agent, tmp_path: Path) -> None:
    agent.actor_critic.actor_linear.bias.data[0] = 1e6
    with pytest.raises(IrislibError, match=r"not finite in float16; train with a lower learning rate"):
        agent.save(tmp_path, torch.float16)


@pytest.mark.parametrize("name", ["meta", "cuda:99", "nothing"])
def test_a_device_that_cannot_compute_is_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRISLIB_DEVICE", name)
    with pytest.raises(ParamError, match=rf"^IRISLIB_DEVICE: no device '{name}' on this machine; use cpu"):
        pick_device()
