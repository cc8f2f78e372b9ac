"""Experience in, segments out; and the collector takes up an interrupted run where it stood."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import CONFIG

from irislib.agent import Agent
from irislib.agent.config import CollectConfig
from irislib.errors import IrislibError
from irislib.training.collect import Collector
from irislib.training.encoded import EncodedReplay
from irislib.training.parts import Pool
from irislib.training.replay import OUTSIDE, Experience, Replay
from irislib.worlds.crafter.game import CrafterConfig
from irislib.worlds.vector import make_vector_env


def counting(steps: int, lanes: int, ends: dict[int, list[int]], first: int = 0, size: int = 4) -> Experience:
    """Experience whose observations and actions name their step."""
    t = np.arange(first, first + steps)[:, None].repeat(lanes, 1)
    terminated = np.zeros((steps, lanes), bool)
    for lane, at in ends.items():
        terminated[at, lane] = True
    obs = (t % 256).astype(np.uint8)[..., None, None, None] * np.ones((size, size, 3), np.uint8)
    return Experience(obs, t, t.astype(np.float32), terminated, np.zeros_like(terminated))


def test_episodes_end_where_the_lanes_say(tmp_path: Path) -> None:
    replay = Replay(2, tmp_path, (4, 4))
    assert [len(e) for e in replay.record(counting(5, 2, {0: [1, 4]}))] == [2, 3]
    assert [len(e) for e in replay.record(counting(4, 2, {1: [0]}, first=5))] == [6]
    assert [len(e) for e in replay.episodes] == [2, 3, 6, 4, 3]
    assert replay.steps == 18 and replay.started == [3, 2]
    assert [e.finished for e in replay.episodes] == [True, True, True, False, False]
    assert replay.actions[replay.episodes[2].rows].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("end_inside", [False, True])
@pytest.mark.parametrize("length", [1, 3, 8])
def test_segments_are_runs_of_one_episode(end_inside: bool, length: int, tmp_path: Path) -> None:
    replay = Replay(2, tmp_path, (4, 4))
    replay.record(counting(7, 2, {0: [4], 1: [6]}))
    replay.record(counting(5, 2, {1: [4]}, first=7))
    rows = replay.sample(np.random.default_rng(0), 64, length, end_inside=end_inside)
    assert rows.shape == (64, length)
    frames = replay.frames(rows)
    assert frames.shape == (64, length, 4, 4, 3) and frames.dtype == torch.uint8
    for segment, seen in zip(rows, frames, strict=True):
        inside = segment != OUTSIDE
        assert inside[-1 if end_inside else 0]
        actions = replay.actions[segment[inside]]
        assert (np.diff(actions) == 1).all()
        assert not replay.terminated[segment[inside]][:-1].any()
        assert seen[:, 0, 0, 0].tolist() == [a % 256 for a in np.where(inside, replay.actions[segment], 0)]


def test_segment_pads_on_both_sides(tmp_path: Path) -> None:
    replay = Replay(1, tmp_path, (4, 4))
    replay.record(counting(3, 1, {}))
    assert replay.episodes[0].segment(-1, 5).tolist() == [OUTSIDE, 0, 1, 2, OUTSIDE, OUTSIDE]


def test_a_replay_reads_what_another_recorded(tmp_path: Path) -> None:
    one, other = Replay(2, tmp_path, (4, 4)), Replay(2, tmp_path, (4, 4))
    one.record(counting(5, 2, {0: [1, 4]}))
    other.load(1)
    one.record(counting(4, 2, {1: [0]}, first=5))
    other.load(2)
    assert [e.rows.tolist() for e in one.episodes] == [e.rows.tolist() for e in other.episodes]
    for name in ("actions", "rewards", "terminated"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert torch.equal(one.frames(np.arange(18)), other.frames(np.arange(18)))


def test_a_chunk_that_a_crash_cut_short_is_overwritten(tmp_path: Path) -> None:
    Replay(1, tmp_path, (4, 4)).record(counting(5, 1, {}, first=50))  # longer, and its steps were never kept
    (tmp_path / "steps-0001.npz").unlink()
    replay = Replay(1, tmp_path, (4, 4))
    replay.record(counting(3, 1, {}))
    assert replay.frames(np.arange(3))[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_encoded_replay_encodes_each_frame_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    tokenizer = Agent(CONFIG).eval().tokenizer
    torch.nn.init.normal_(tokenizer.codebook)
    replay = Replay(2, tmp_path, (64, 64))
    replay.record(counting(9, 2, {0: [4]}, size=64))
    encode, counts = tokenizer.encode, [0]

    def counted(frames: torch.Tensor) -> torch.Tensor:
        counts.append(len(frames))
        return encode(frames)

    monkeypatch.setattr(tokenizer, "encode", counted)
    encoded = EncodedReplay(replay, tokenizer, Pool(2))
    for seed in range(4):
        rows = replay.sample(np.random.default_rng(seed), 16, 4, end_inside=bool(seed % 2))
        encoded.encode(rows)
        batch = encoded.batch(rows)
        inside = rows != OUTSIDE
        assert torch.equal(batch.tokens[inside], encode(replay.frames(rows[inside])))
        assert not batch.tokens[~inside].any() and not batch.actions[~inside].any()
        assert np.array_equal(batch.mask, inside)
    assert 0 < sum(counts) <= replay.steps


ENV = CrafterConfig(frame_size=64, length=25)
COLLECT = CollectConfig(lanes=2, steps_per_epoch=34, stop_after_epochs=9, epsilon=0.5, temperature=1.0)


def collected(agent: Agent, epochs: int, interrupt: bool, folder: Path) -> Replay:
    folder.mkdir()
    replay = Replay(2, folder, (64, 64))
    collector = Collector(make_vector_env(ENV, 2, workers=1), replay, COLLECT, 3, Pool(2))
    for epoch in range(1, epochs + 1):
        if interrupt:  # as a new process would begin: nothing but what is on disk is left
            replay = Replay(2, folder, (64, 64))
            replay.load(epoch - 1)
            collector = Collector(make_vector_env(ENV, 2, workers=1), replay, COLLECT, 3, Pool(2))
            collector.restore()
        collector.collect(agent, burn_in=2, epoch=epoch)
    return replay


def test_restored_lanes_go_on_as_if_never_interrupted(tmp_path: Path) -> None:
    torch.manual_seed(0)
    agent = Agent(CONFIG).eval()
    one = collected(agent, 3, interrupt=False, folder=tmp_path / "one")
    other = collected(agent, 3, interrupt=True, folder=tmp_path / "other")
    assert len(one.episodes) == len(other.episodes) > 2
    for name in ("actions", "rewards", "terminated"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert torch.equal(one.frames(np.arange(one.steps)), other.frames(np.arange(one.steps)))


def test_an_environment_that_does_not_repeat_itself_is_noticed(tmp_path: Path) -> None:
    replay = Replay(2, tmp_path, (64, 64))
    envs = make_vector_env(ENV, 2, workers=1)
    replay.record(counting(3, 2, {}, size=64))
    with pytest.raises(IrislibError, match="does not repeat itself"):
        Collector(envs, replay, COLLECT, 3, Pool(2)).restore()
