"""Gradient steps in parts on a pool's threads against whole batches on torch's threads.

python -m benchmarks.parts prints a table for benchmarks/README.md. Sizes and batches are from params.yaml.
"""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
import torch

from benchmarks.timing import describe_machine, ratio, time_in_turn
from irislib.agent.agent import Agent
from irislib.agent.config import AgentConfig, TrainConfig
from irislib.params import load_params
from irislib.runtime import cores
from irislib.seeding import stream
from irislib.training.parts import Division, Part, Pool
from irislib.training.replay import Experience
from irislib.training.trainer import COMPONENTS, Trainer

FRAME, ACTIONS, LANES, LENGTH = (64, 64), 17, 8, 100
WHOLE, PARTS = "whole", "parts"


def make_trainer(folder: Path, whole: bool, threads: int) -> Trainer:
    """A trainer over random experience, which computes batches whole or in parts on so many threads."""
    folder.mkdir()
    config = load_params(Path("params.yaml"), "train", TrainConfig)
    sizes = AgentConfig(FRAME, ACTIONS, config.tokenizer, config.world_model, config.actor_critic)
    torch.manual_seed(0)
    trainer = Trainer(config, Agent(sizes).eval(), 0, folder)
    trainer.pool = trainer.objectives.pool = Pool(1 if whole else threads)
    if whole:
        for name, division in trainer.divisions.items():
            trainer.divisions[name] = Division(division.size, (Part(0, slice(0, division.size), 0),))
    rng, shape = stream(0, "benchmark", "experience"), (LENGTH, LANES)
    trainer.replay.record(
        Experience(
            rng.integers(256, size=(*shape, *FRAME, 3), dtype=np.uint8),
            rng.integers(ACTIONS, size=shape),
            np.zeros(shape, np.float32),
            rng.integers(50, size=shape) == 0,
            np.zeros(shape, bool),
        )
    )
    return trainer


def step(trainer: Trainer, component: str, threads: int) -> float:
    """One gradient step with so many threads of torch's in the calling thread."""
    torch.set_num_threads(threads)
    objective = trainer.objectives.of(component, 1, trainer.divisions[component])
    rows = trainer.replay.sample(
        stream(0, "benchmark", component),
        trainer.divisions[component].size,
        objective.length,
        end_inside=objective.end_inside,
    )
    trainer.step(component, objective, trainer.learner(component, 1), rows)
    return 1


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Turns of each.")
@click.option("--threads", type=click.IntRange(1), default=cores(), show_default=True, help="Of each.")
def main(rounds: int, threads: int) -> None:
    """Times gradient steps of each component; whole batches and batches in parts take turns."""
    device = torch.device("cpu")
    click.echo(describe_machine(device))
    click.echo(f"\n| gradient step, {threads} threads | whole, s | in parts, s | parts, times as fast |")
    click.echo("| --- | --: | --: | --: |")
    with TemporaryDirectory() as folder:
        trainers = {
            name: make_trainer(Path(folder) / name, name == WHOLE, threads) for name in (WHOLE, PARTS)
        }
        for component in COMPONENTS:
            runs = {
                name: partial(step, trainer, component, threads if name == WHOLE else 1)
                for name, trainer in trainers.items()
            }
            seconds = time_in_turn(runs, rounds, device)
            median = {name: float(np.median(values)) for name, values in seconds.items()}
            click.echo(
                f"| {component} | {median[WHOLE]:.2f} | {median[PARTS]:.2f} | "
                f"{ratio(seconds[WHOLE], seconds[PARTS])} |"
            )


if __name__ == "__main__":
    main()
