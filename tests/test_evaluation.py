"""An untrained tiny agent judged on a handful of short episodes, against the same worked out by hand."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import CONFIG
from torch.nn import functional
from torch.testing import assert_close

from irislib.agent import Agent
from irislib.artifacts.json_files import plain_json
from irislib.playing import evaluation
from irislib.playing.evaluation import (
    EvaluationConfig,
    evaluate,
    judge_episodes,
    prediction_losses,
    summarize,
)
from irislib.playing.play import play_episodes
from irislib.playing.player import AgentPlayer
from irislib.seeding import stream, stream_seed
from irislib.tokenizers.reconstruction import encode_frames, psnr, reconstruct, reconstruction_psnr
from irislib.worlds.crafter.game import ACHIEVEMENT_NAMES, CrafterConfig
from irislib.worlds.crafter.score import crafter_score
from irislib.worlds.make import make
from irislib.worlds.score import playing_statistics, success_rates
from irislib.worlds.world import World

ENV = CrafterConfig(frame_size=64, length=19)  # six whole segments of 3 steps and one of 1
EPISODES = EvaluationConfig(episodes=3, temperature=1.0)
SEED = 2  # with which something is achieved


@pytest.fixture(scope="module")
def agent() -> Agent:
    torch.manual_seed(0)
    agent = Agent(CONFIG)
    # Untrained nets find everything about as likely: make the predictions tell the steps apart.
    for parameter in agent.world_model.parameters():
        parameter.data.mul_(4)
    return agent.eval()


@pytest.fixture(scope="module")
def played(agent: Agent) -> list[dict[str, np.ndarray]]:
    episodes = play_episodes(AgentPlayer(agent, 1.0), range(3), ENV, SEED, "evaluation")
    return [episode | {"token": encode_frames(agent.tokenizer, episode["obs"])} for episode in episodes]


@pytest.fixture(scope="module")
def judged(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRISLIB_WORKERS", "1")
        return evaluated(agent, tmp_path_factory.mktemp("judged"))


def evaluated(agent: Agent, folder: Path) -> dict[str, Any]:
    (folder / "agent").mkdir()
    agent.save(folder / "agent")
    evaluate(EPISODES, ENV, SEED, folder / "agent", folder / "work", folder / "evaluation.json")
    return json.loads((folder / "evaluation.json").read_text())  # type: ignore[no-any-return]


def test_playing_agrees_with_the_episodes(
    judged: dict[str, Any], played: list[dict[str, np.ndarray]]
) -> None:
    returns = [float(episode["reward"].sum(dtype=np.float64)) for episode in played]
    assert (judged["episodes"], judged["steps"]) == (3, sum(len(e["reward"]) for e in played))
    assert judged["length_mean"] == pytest.approx(judged["steps"] / 3, rel=1e-5)
    assert judged["return_mean"] == pytest.approx(np.mean(returns), rel=1e-5)
    assert judged["return_std"] == pytest.approx(np.std(returns), rel=1e-5)
    assert tuple(judged["achievements"]) == ACHIEVEMENT_NAMES
    for place, name in enumerate(ACHIEVEMENT_NAMES):
        episodes = [episode for episode in played if episode["goal"][:, place].any()]
        assert judged["achievements"][name] == pytest.approx(len(episodes) / 3, rel=1e-5)
    score = crafter_score(list(judged["achievements"].values()))
    assert judged["score"] == pytest.approx(score, rel=1e-4) and score > 0


def test_random_actions_play_the_same_episodes(judged: dict[str, Any]) -> None:
    returns = [
        sum(step[1] for step in at_random(make(ENV), stream_seed(SEED, "evaluation", "episode", i), i))
        for i in range(3)
    ]
    assert judged["random"]["return_mean"] == pytest.approx(np.mean(returns), rel=1e-5)
    assert judged["random"]["return_std"] == pytest.approx(np.std(returns), rel=1e-5)


def at_random(world: World, start: int, episode: int) -> Iterator[tuple[Any, ...]]:
    """The steps of an episode, with actions from a stream of its own."""
    rng = stream(SEED, "evaluation", "act", episode)
    world.reset(seed=start)
    ended = False
    while not ended:
        step = world.step(rng.integers(len(world.description.actions)))
        ended = bool(step[2] or step[3])
        yield step


def test_a_row_has_the_daylight_of_its_observation(played: list[dict[str, np.ndarray]]) -> None:
    for episode in played:
        hours = np.arange(len(episode["obs"])) / 300 + 0.3
        assert_close(episode["daylight"], (1 - np.abs(np.cos(np.pi * hours)) ** 3).astype(np.float32))


def test_tokenizer_agrees_with_the_episodes(
    agent: Agent, judged: dict[str, Any], played: list[dict[str, np.ndarray]]
) -> None:
    frames = np.concatenate([episode["obs"] for episode in played])
    quality = [
        -10 * np.log10(np.mean((frame / 255 - image / 255) ** 2))
        for frame, image in zip(frames, reconstruct(agent.tokenizer, frames), strict=True)
    ]
    assert judged["psnr"] == pytest.approx(np.mean(quality), rel=1e-4)
    _, counts = np.unique(np.concatenate([e["token"] for e in played]), return_counts=True)
    share = counts / counts.sum()
    assert judged["codes_used"] == len(counts)
    assert judged["perplexity"] == pytest.approx(math.exp(-(share * np.log(share)).sum()), rel=1e-5)


def test_world_model_losses_are_means_over_every_prediction(
    agent: Agent, judged: dict[str, Any], played: list[dict[str, np.ndarray]]
) -> None:
    surprise: dict[str, list[float]] = {"observations": [], "rewards": [], "ends": []}
    blocks = agent.config.world_model.max_blocks
    for episode in played:
        for start in range(0, len(episode["token"]), blocks):
            part = {
                name: torch.from_numpy(column[start : start + blocks]) for name, column in episode.items()
            }
            tokens = part["token"].long().flatten(1)
            with torch.no_grad():
                out = agent.world_model(
                    torch.cat([tokens, part["action"].long()[:, None]], 1).flatten()[None]
                )
            signs = part["reward"].sign().long() + 1
            for name, logits, labels in (
                ("observations", out.observations[0, :-1], tokens.flatten()[1:]),
                ("rewards", out.rewards[0], signs),
                ("ends", out.ends[0], part["terminated"].long()),
            ):
                surprise[name] += functional.nll_loss(
                    logits.log_softmax(1), labels, reduction="none"
                ).tolist()
    assert len(surprise["rewards"]) == judged["steps"]
    for name, values in surprise.items():
        assert np.std(values) > 0.01
        assert judged["world_model"][name] == pytest.approx(np.mean(values), rel=1e-4)


@pytest.mark.parametrize("segments", [1, 2, 100])
def test_batches_do_not_change_the_weighted_mean(
    agent: Agent,
    judged: dict[str, Any],
    played: list[dict[str, np.ndarray]],
    segments: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluation, "SEGMENTS", segments)
    with torch.no_grad():
        parts = [part for e in played for part in prediction_losses(agent.world_model, e, agent.device)]
    for name, mean in judged["world_model"].items():
        total = sum(losses[name] * counts[name] for losses, counts in parts)
        assert total / sum(counts[name] for _, counts in parts) == pytest.approx(mean, rel=1e-5)


def test_an_evaluation_is_equal_whatever_was_drawn_before_and_for_two_workers(
    agent: Agent, judged: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(123)
    monkeypatch.setenv("IRISLIB_WORKERS", "2")
    again = evaluated(agent, tmp_path)
    assert again == judged and not any((tmp_path / "work").iterdir())


def test_episodes_are_the_same_one_by_one(
    agent: Agent, judged: dict[str, Any], played: list[dict[str, np.ndarray]]
) -> None:
    alone = [judge_episodes(agent, [episode]) for episode in played]
    again = plain_json(summarize(alone, 32, ENV)) | {"random": judged["random"]}
    assert_close(again, judged, rtol=1e-4, atol=0)


def test_reconstruction_is_judged_in_batches_as_a_whole(agent: Agent) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (70, 64, 64, 3), dtype=np.uint8)
    whole = psnr(frames, reconstruct(agent.tokenizer, frames))
    np.testing.assert_array_equal(reconstruction_psnr(agent.tokenizer, frames), whole)


def test_psnr_by_hand() -> None:
    black = np.zeros((2, 4, 4, 3), np.uint8)
    images = np.stack([black[0] + np.uint8(255), black[0] + np.uint8(51)])
    # Errors of 1 and 1/25 are 0 and 20 log10(5) dB.
    assert psnr(black, images).tolist() == pytest.approx([0, 20 * math.log10(5)])
    assert psnr(black, black).tolist() == [math.inf, math.inf]


def test_scores_by_hand() -> None:
    assert crafter_score([1.0] * 22) == pytest.approx(100)
    assert crafter_score([0.0, 0.0]) == 0
    assert crafter_score([0.5, 0.0]) == pytest.approx(math.sqrt(51) - 1)
    # Lanes interleave: episodes 3 and 5 take turns, and only 5 gets anywhere.
    episode = np.array([3, 5, 3, 5, 5])
    reached = np.zeros((5, 2), bool)
    reached[[1, 4], 0] = True
    assert success_rates(reached, episode, ["eat", "wake"]) == {"eat": 0.5, "wake": 0}
    assert playing_statistics(np.array([1, 2, 3, 4, 5], np.float32), episode) == {
        "return_mean": 7.5,
        "return_std": 3.5,
        "length_mean": 2.5,
    }
