"""Experience in, segments out; and the collector takes up an interrupted run where it stood."""

import numpy as np
import pytest
import torch
from tiny import CONFIG

from irislib.agent import Agent
from irislib.agent.collect import Collector
from irislib.agent.config import CollectConfig
from irislib.agent.replay import Experience, Replay, segment
from irislib.envs.crafter import EnvConfig
from irislib.envs.vector import make_vector_env
from irislib.errors import IrislibError


def counting(steps: int, lanes: int, ends: dict[int, list[int]], first: int = 0) -> Experience:
    """Experience whose observations and actions name their step."""
    t = np.arange(first, first + steps)[:, None].repeat(lanes, 1)
    terminated = np.zeros((steps, lanes), bool)
    for lane, at in ends.items():
        terminated[at, lane] = True
    obs = (t % 256).astype(np.uint8)[..., None, None, None] * np.ones((4, 4, 3), np.uint8)
    return Experience(obs, t, t.astype(np.float32), terminated, np.zeros_like(terminated))


def test_episodes_end_where_the_lanes_say() -> None:
    replay = Replay(2)
    assert [len(e) for e in replay.add(counting(5, 2, {0: [1, 4]}))] == [2, 3]
    assert [len(e) for e in replay.add(counting(4, 2, {1: [0]}, first=5))] == [6]
    assert [len(e) for e in replay.episodes] == [2, 3, 6, 4, 3]
    assert replay.steps == 18 and replay.started == [3, 2]
    assert [e.finished for e in replay.episodes] == [True, True, True, False, False]
    assert replay.episodes[2].columns()[1].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("end_inside", [False, True])
@pytest.mark.parametrize("length", [1, 3, 8])
def test_segments_are_runs_of_one_episode(end_inside: bool, length: int) -> None:
    replay = Replay(2)
    replay.add(counting(12, 2, {0: [4], 1: [6, 11]}))
    batch = replay.sample(np.random.default_rng(0), 64, length, end_inside=end_inside)
    assert batch.observations.shape == (64, length, 4, 4, 3)
    for actions, ends, mask in zip(batch.actions, batch.ends, batch.mask, strict=True):
        assert mask[-1 if end_inside else 0]
        assert (torch.diff(actions[mask]) == 1).all()
        assert not ends[mask][:-1].any()
        assert not actions[~mask].any()


def test_segment_pads_on_both_sides() -> None:
    replay = Replay(1)
    replay.add(counting(3, 1, {}, first=1))
    _, actions, _, _, mask = segment(replay.episodes[0], -1, 5)
    assert actions.tolist() == [0, 1, 2, 3, 0, 0] and mask.tolist() == [False, True, True, True, False, False]


COLLECT = CollectConfig(lanes=2, steps_per_epoch=34, stop_after_epochs=9, epsilon=0.5, temperature=1.0)


def collected(agent: Agent, epochs: int, interrupt: bool) -> Replay:
    replay = Replay(2)
    envs = make_vector_env(EnvConfig(64, 25), 2, workers=1)
    collector = Collector(envs, replay, COLLECT, seed=3)
    for epoch in range(1, epochs + 1):
        if interrupt:  # as a new process would begin: nothing but the replay is left
            collector = Collector(make_vector_env(EnvConfig(64, 25), 2, workers=1), replay, COLLECT, seed=3)
            collector.restore()
        collector.collect(agent, burn_in=2, epoch=epoch)
    return replay


def test_restored_lanes_go_on_as_if_never_interrupted() -> None:
    torch.manual_seed(0)
    agent = Agent(CONFIG).eval()
    one, other = collected(agent, 3, interrupt=False), collected(agent, 3, interrupt=True)
    assert len(one.episodes) == len(other.episodes) > 2
    for a, b in zip(one.episodes, other.episodes, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a.columns(), b.columns(), strict=True))


def test_an_environment_that_does_not_repeat_itself_is_noticed() -> None:
    replay = Replay(2)
    envs = make_vector_env(EnvConfig(64, 25), 2, workers=1)
    steps = counting(3, 2, {})
    wrong = np.zeros((3, 2, 64, 64, 3), np.uint8)
    replay.add(Experience(wrong, steps.actions, steps.rewards, steps.terminated, steps.truncated))
    with pytest.raises(IrislibError, match="does not repeat itself"):
        Collector(envs, replay, COLLECT, seed=3).restore()
