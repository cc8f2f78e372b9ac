"""How many steps of Crafter a second: the game alone, and with an agent that decides each of them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import rmtree

import click
import crafter
import numpy as np
import torch

from benchmarks.official_weights import OFFICIAL
from benchmarks.timing import time_in_turn
from irislib.agent.agent import Agent
from irislib.agent.config import AgentConfig, TrainConfig
from irislib.artifacts import open_store
from irislib.device import one_thread
from irislib.params import load_params
from irislib.playing.play import play_episodes
from irislib.playing.player import AgentPlayer
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.runtime import workers
from irislib.seeding import stream
from irislib.stores.rollouts import ROLLOUTS
from irislib.worlds.crafter.game import ACTION_NAMES, CrafterConfig
from irislib.worlds.make import load_world
from irislib.worlds.world import WorldConfig

PARAMS = Path("params.yaml")
RAW = "irislib's Crafter, random actions"
EPISODES = 16  # of random actions


def time_playing(device: torch.device, rounds: int, length: int, folder: Path) -> None:
    """Prints steps a second over whole episodes, their beginnings included.

    Args:
        length: of the longest episode of the agent of official sizes, steps; it is slow without a GPU.
        folder: for agents and recordings.
    """
    train, rollout = load_params(PARAMS, "train", TrainConfig), load_params(PARAMS, "rollout", RolloutConfig)
    env = load_world(PARAMS)
    laptop = AgentConfig(env.frame, len(ACTION_NAMES), train.tokenizer, train.world_model, train.actor_critic)
    env.warm_up()
    runs: dict[tuple[str, int], Callable[[], float]] = {
        ("crafter.Env as published, random actions", 1): _play_published,
        (RAW, 1): partial(_play_random, env),
    }
    lanes, processes = rollout.lanes, workers()
    for sizes, agent, cut, shards in (
        ("laptop", laptop, env, 2),
        ("official", OFFICIAL, CrafterConfig(length=length), 1),
    ):
        torch.manual_seed(0)
        player = Agent(agent).to(device).eval()
        path = folder / sizes
        path.mkdir()
        player.save(path)
        name = f"agent of {sizes} sizes, {lanes} lanes a process"
        if cut.length < env.length:
            name += f", episodes of at most {cut.length} steps"
        runs[f"{name}, play_episodes", 1] = partial(_play_agent, player, lanes, cut)
        config = RolloutConfig(shards * processes * lanes, lanes, rollout.temperature)
        runs[f"{name}, roll_out", processes] = partial(_roll_out, config, cut, path)
    names = {f"{what} | {count}": count for what, count in runs}
    seconds = time_in_turn(dict(zip(names, runs.values(), strict=True)), rounds, device)
    rates = {name: 1 / values for name, values in seconds.items()}
    raw = rates[f"{RAW} | 1"]
    click.echo("\n| played by | processes | steps/s (range) | share of random play in as many processes |")
    click.echo("| --- | --: | --: | --: |")
    for (name, count), rate in zip(names.items(), rates.values(), strict=True):
        share = np.median(rate / raw / count)
        click.echo(f"| {name} | {np.median(rate):.0f} ({rate.min():.0f} to {rate.max():.0f}) | {share:.0%} |")


def _play_published() -> int:
    env, rng, steps = crafter.Env(seed=0), stream(0, "benchmark", "play"), 0
    for _ in range(EPISODES):
        env.reset()
        done = False
        while not done:
            _, _, done, _ = env.step(rng.integers(len(ACTION_NAMES)))
            steps += 1
    return steps


def _play_random(config: WorldConfig) -> int:
    env, rng, steps = config.make(), stream(0, "benchmark", "play"), 0
    for episode in range(EPISODES):
        env.reset(seed=episode)
        over = False
        while not over:
            _, _, terminated, truncated, _ = env.step(rng.integers(len(ACTION_NAMES)))
            over = terminated or truncated
            steps += 1
    return steps


def _play_agent(agent: Agent, lanes: int, env: WorldConfig) -> int:
    with one_thread():  # as in a worker
        played = play_episodes(AgentPlayer(agent, 1.0), range(lanes), env, 0, "benchmark")
    return sum(len(episode["action"]) for episode in played)


def _roll_out(config: RolloutConfig, env: WorldConfig, agent: Path) -> int:
    out = agent.parent / "rollouts.zarr"
    rmtree(out, ignore_errors=True)
    roll_out(config, env, 0, agent, agent.parent / "work", out)
    return len(open_store(out, ROLLOUTS))
