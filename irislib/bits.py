"""Whether this machine computes the same bits as another: python -m irislib.bits prints hashes to compare."""

import hashlib
import os
import tempfile
from pathlib import Path

import click
import numpy as np
import torch
from torch import nn

from irislib.agent.agent import Agent
from irislib.agent.config import (
    ActorCriticConfig,
    AgentConfig,
    CollectConfig,
    FitActorCriticConfig,
    FitConfig,
    FitsConfig,
    FitWorldModelConfig,
    TrainConfig,
    WorldModelConfig,
)
from irislib.device import one_thread, pick_device
from irislib.runtime import cores, workers
from irislib.seeding import stream
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.training.replay import Experience
from irislib.training.trainer import COMPONENTS, Trainer

SETTINGS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
STEPS = 2  # gradient steps of each component
FRAME, ACTIONS, LANES, LENGTH = (64, 64), 17, 2, 40

# The laptop's sizes, with fewer layers; weights and data are drawn by numpy, which computes them by integers.
CONFIG = TrainConfig(
    epochs=1,
    precision="float32",
    snapshots=(),
    collect=CollectConfig(LANES, LANES * LENGTH, 1, 0.0, 1.0),
    tokenizer=IrisConfig(VectorQuantizerConfig("vq", 512, 64, 1), 64, 16, (1, 1, 2, 4, 4), 1, (8,)),
    world_model=WorldModelConfig(max_blocks=4, num_layers=1, num_heads=4, embed_dim=128, dropout=0.1),
    actor_critic=ActorCriticConfig(64),
    fit=FitsConfig(
        FitConfig(0, STEPS, 8, 0.001, 10.0),
        FitWorldModelConfig(0, STEPS, 8, 0.001, 10.0, weight_decay=0.01),
        FitActorCriticConfig(
            0,
            STEPS,
            4,
            0.001,
            10.0,
            horizon=2,
            burn_in=1,
            gamma=0.99,
            lambda_=0.9,
            entropy_weight=0.01,
            past_end=True,
        ),
    ),
)


def bits_of_training(config: TrainConfig = CONFIG) -> dict[str, str]:
    """Hashes of the weights of each component after a few gradient steps on random experience."""
    with tempfile.TemporaryDirectory() as folder, one_thread():
        sizes = AgentConfig(FRAME, ACTIONS, config.tokenizer, config.world_model, config.actor_critic)
        agent = Agent(sizes).to(pick_device()).eval()
        _fill(agent)
        trainer = Trainer(config, agent, 0, Path(folder))
        trainer.replay.record(_experience())
        hashes = {}
        for component in COMPONENTS:
            trainer.fit(component, 1)
            hashes[component] = _hash(getattr(agent, component))
    return hashes


def _fill(agent: Agent) -> None:
    """Draws all weights anew, of the size that the first initialisation gave them."""
    rng = stream(0, "bits", "weights")
    for parameter in agent.parameters():
        drawn = rng.integers(-1000, 1001, parameter.shape) / 16384  # exact in float32
        parameter.data.copy_(torch.from_numpy(drawn.astype(np.float32)))


def _experience() -> Experience:
    rng = stream(0, "bits", "experience")
    shape = (LENGTH, LANES)
    return Experience(
        np.repeat(np.repeat(rng.integers(0, 256, (*shape, 8, 8, 3), np.uint8), 8, axis=2), 8, axis=3),
        rng.integers(ACTIONS, size=shape),
        rng.integers(-1, 2, shape).astype(np.float32),
        rng.integers(20, size=shape) == 0,
        np.zeros(shape, bool),
    )


def _hash(module: nn.Module) -> str:
    sha = hashlib.sha256()
    for parameter in module.parameters():
        sha.update(parameter.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()[:8]


@click.command()
def main() -> None:
    """Trains each component for a few steps on random data and prints what came of it.

    Two machines that print the same hashes compute the same results.
    """
    settings = [f"{name}={os.environ.get(name, '(unset)')}" for name in SETTINGS]
    click.echo(
        f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {cores()} cores, "
        f"{workers()} threads; {' '.join(settings)}"
    )
    for component, name in bits_of_training().items():
        click.echo(f"{component}: {name}")


if __name__ == "__main__":
    main()
