"""How much memory training takes as its replay grows."""

from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np

from benchmarks.contestants import Ours
from irislib.agent.agent import Agent
from irislib.agent.config import AgentConfig, TrainConfig
from irislib.device import pick_device
from irislib.params import load_params
from irislib.seeding import stream
from irislib.training.replay import Experience
from irislib.training.trainer import Trainer
from irislib.worlds.crafter.game import ACTION_NAMES
from irislib.worlds.make import load_world

PARAMS = Path("params.yaml")
CHUNK, SHOWN_AT = 1000, (1000, 5000, 10_000, 20_000)  # steps
BATCHES = 4  # of each component, after every chunk
STATUS = Path("/proc/self/status")  # Linux
FIELDS = ("RssAnon", "RssFile", "VmHWM")


def measure_memory(folder: Path) -> None:
    """Prints what training with the laptop's sizes occupies, in a process of its own, as it goes on.

    Args:
        folder: for the replay.
    """
    if not STATUS.exists():
        click.echo("memory: skipped; it is read from Linux's /proc", err=True)
        return
    head = ("frames on disk", "anonymous memory", "mapped files", "their highest sum so far")
    click.echo(f"\n| steps | {' | '.join(f'{what}, MB' for what in head)} |\n| --: |{' --: |' * len(head)}")
    process = get_context("spawn").Process(target=_train, args=(folder,))
    process.start()
    process.join()


def _train(folder: Path) -> None:
    env, config = load_world(PARAMS), load_params(PARAMS, "train", TrainConfig)
    sizes = AgentConfig(
        env.frame, len(ACTION_NAMES), config.tokenizer, config.world_model, config.actor_critic
    )
    ours = Ours(Trainer(config, Agent(sizes).to(pick_device()), 0, folder))
    replay, rng = ours.trainer.replay, stream(0, "benchmark", "memory")
    for epoch in range(1, max(SHOWN_AT) // CHUNK + 1):
        replay.record(_noise(rng, CHUNK // config.collect.lanes, config.collect.lanes, env.frame[0]))
        for component in ("tokenizer", "world_model"):
            objective = ours.objective(component, epoch)
            size = getattr(config.fit, component).batch_size
            for _ in range(BATCHES):
                rows = replay.sample(rng, size, objective.length, end_inside=objective.end_inside)
                ours.step(component, objective, rows)
        if replay.steps in SHOWN_AT:
            frames = replay.steps * env.frame[0] ** 2 * 3 / 1e6
            occupied = " | ".join(f"{megabytes:.0f}" for megabytes in _occupied())
            click.echo(f"| {replay.steps} | {frames:.0f} | {occupied} |")


def _noise(rng: np.random.Generator, steps: int, lanes: int, size: int) -> Experience:
    shape = (steps, lanes)
    last = np.arange(steps)[:, None] == steps - 1  # an episode a lane
    return Experience(
        rng.integers(256, size=(*shape, size, size, 3), dtype=np.uint8),
        rng.integers(len(ACTION_NAMES), size=shape),
        np.zeros(shape, np.float32),
        np.broadcast_to(last, shape).copy(),
        np.zeros(shape, bool),
    )


def _occupied() -> list[float]:
    """What /proc says of `FIELDS`, MB."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return [int(lines[field].split()[0]) * 1024 / 1e6 for field in FIELDS]
