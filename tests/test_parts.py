"""Batches in parts: the same losses as whole, and the same bits on any number of threads."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import CONFIG, TRAIN

from irislib.agent import Agent
from irislib.agent.dropout import Dropout, dropout_from
from irislib.agent.transformer import attend
from irislib.device import one_thread
from irislib.errors import ParamError
from irislib.training.parts import Division, Part, Pool, cut, divide
from irislib.training.replay import Experience
from irislib.training.trainer import COMPONENTS, Trainer

REPO = Path(__file__).parent.parent
CPU = torch.device("cpu")


def test_parts_cover_a_batch_in_order() -> None:
    assert [len(range(10)[rows]) for rows in cut(10, 4)] == [3, 3, 2, 2]
    assert [i for rows in cut(10, 4) for i in range(10)[rows]] == list(range(10))
    assert cut(3, 4) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    division = divide(6, "key", CPU)
    assert [part.size for part in division.own] == [2, 2, 1, 1] and division.own_rows == slice(0, 6)


@pytest.mark.parametrize("world", [2, 3, 6])
def test_each_rank_computes_a_run_of_the_parts(world: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irislib.ranks.world_size", lambda: world)
    owners = divide(8, "key", CPU).owners
    assert owners == sorted(owners) and set(owners) == set(range(world))
    assert len(owners) == max(4, world)
    with pytest.raises(ParamError, match=rf"^key: 1 cannot be shared by {world} ranks; use at least {world}"):
        divide(1, "key", CPU)


def test_a_pool_uses_one_thread_of_torch_each_and_keeps_the_order() -> None:
    def threads(item: int) -> tuple[int, int]:
        x = torch.ones(3, requires_grad=True)
        seen = []
        x.register_hook(lambda _: seen.append(torch.get_num_threads()))
        before = torch.get_num_threads()
        torch.autograd.grad(x.sum(), x)
        return item, max(before, *seen)

    assert Pool(3).map(threads, range(8)) == [(i, 1) for i in range(8)]


def experience() -> Experience:
    rng, shape = np.random.default_rng(0), (9, 2)
    return Experience(
        rng.integers(256, size=(*shape, 64, 64, 3), dtype=np.uint8),
        rng.integers(17, size=shape),
        rng.integers(-1, 2, shape).astype(np.float32),
        rng.random(shape) < 0.3,  # short episodes: parts hold unequal numbers of unpadded steps
        np.zeros(shape, bool),
    )


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[Trainer]:
    torch.manual_seed(0)
    still = replace(CONFIG.world_model, dropout=0.0)
    agent = Agent(replace(CONFIG, world_model=still)).eval()
    torch.nn.init.normal_(agent.tokenizer.codebook)
    fits = {name: replace(getattr(TRAIN.fit, name), batch_size=6) for name in COMPONENTS}
    trainer = Trainer(replace(TRAIN, fit=replace(TRAIN.fit, **fits)), agent, 0, tmp_path)
    trainer.replay.record(experience())
    with one_thread():
        yield trainer


@pytest.mark.parametrize("component", COMPONENTS)
def test_parts_add_up_to_the_whole_batch(trainer: Trainer, component: str) -> None:
    whole = Division(6, (Part(0, slice(0, 6), 0),))
    results = []
    for division in (whole, divide(6, "key", CPU)):
        trainer.divisions[component] = division
        objective = trainer.objectives.of(component, 1, division)
        rows = trainer.replay.sample(
            np.random.default_rng(0), 6, objective.length, end_inside=objective.end_inside
        )
        learner = trainer.learner(component, 1)
        learner.set_gradient(objective.prepare(rows))
        gradients = [parameter.grad for parameter in learner.parameters]
        results.append((gradients, learner.mean_losses(1), learner.last_loss()))
    (one, losses, last), (other, sums, _) = results
    assert sums == pytest.approx(losses, rel=1e-4) and last == pytest.approx(losses["total"], rel=1e-6)
    assert losses["total"] == pytest.approx(sum(losses.values()) - losses["total"], rel=1e-5)
    torch.testing.assert_close(other, one, rtol=1e-2, atol=1e-5)
    for parameter, gradient in zip(learner.parameters, other, strict=True):
        assert gradient is not None and gradient.stride() == parameter.stride()


def test_revival_sees_the_whole_batch(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        "irislib.tokenizers.revival.Revival.after_batch", lambda self, parts: seen.extend(parts)
    )
    division = divide(6, "key", CPU)
    objective = trainer.objectives.of("tokenizer", 1, division)
    rows = np.arange(6)[:, None]
    losses = objective.prepare(rows)
    for part in reversed(division.own):
        losses(part)
    objective.finish()
    frames = trainer.replay.frames(rows[:, 0])
    assert torch.equal(torch.cat([q.tokens for q in seen]), trainer.agent.tokenizer.encode(frames))
    assert [len(q.z) for q in seen] == [2, 2, 1, 1]


def test_dropout_follows_the_stream_of_its_thread() -> None:
    x, drop = torch.ones(50, 50), Dropout(0.2).train()

    def dropped(seed: int) -> torch.Tensor:
        with dropout_from(torch.Generator().manual_seed(seed)):
            return drop(x)  # type: ignore[no-any-return]

    one, other, again = Pool(3).map(dropped, [1, 2, 1])
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert set(one.unique().tolist()) == {0.0, 1.25}
    assert float(one.mean()) == pytest.approx(1, abs=0.05)
    assert torch.equal(drop.eval()(x), x)


def test_attention_with_dropout_is_attention_on_average() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, 5, 4) for _ in range(3))
    with dropout_from(torch.Generator().manual_seed(0)):
        mean = torch.stack([attend(q, k, v, 0.1) for _ in range(3000)]).mean(0)
        torch.testing.assert_close(attend(q, k, v, 1e-9), attend(q, k, v, 0.0))
    torch.testing.assert_close(mean, attend(q, k, v, 0.0), atol=0.05, rtol=0)


def bits(*threads: str) -> list[str]:
    """What `irislib.bits` prints of the weights, in processes at once with so many threads each."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "irislib.bits"],
            cwd=REPO,
            env=os.environ | {"IRISLIB_DEVICE": "cpu", "IRISLIB_WORKERS": number, "OMP_NUM_THREADS": number},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in threads
    ]
    return [process.communicate()[0].partition("\n")[2] for process in processes]


def test_the_bits_do_not_depend_on_threads_or_other_work() -> None:
    (alone,) = bits("1")
    assert alone.count("\n") == len(COMPONENTS)
    assert bits("2", "4") == [alone] * 2  # each is the other's other work
