"""The training loop: collect experience, then fit tokenizer, world model and policy, epoch by epoch.

IRIS, algorithm 1. An epoch is a function of the state before it and its number alone (random streams are
named after it), so training that is killed resumes at the last whole epoch and ends with the same bits.
"""

import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from irislib.agent.agent import Agent
from irislib.agent.collect import Collector
from irislib.agent.config import AgentConfig, FitConfig, TrainConfig
from irislib.agent.imagination import actor_critic_losses, imagine
from irislib.agent.perceptual import load_lpips
from irislib.agent.replay import Batch, Experience, Replay
from irislib.agent.revival import Revival
from irislib.artifacts import replacing
from irislib.device import pick_device
from irislib.envs.crafter import ACTION_NAMES, EnvConfig
from irislib.envs.vector import make_vector_env
from irislib.errors import IrislibError
from irislib.runtime import progress, workers
from irislib.seeding import stream, stream_seed
from irislib.workdir import work_in, write_atomically

COMPONENTS = ("tokenizer", "world_model", "actor_critic")

# Columns of the curves, behind epoch and step; NaN where an epoch has none.
CURVES = {
    "collect": ("return", "length", "perplexity"),
    "tokenizer": ("total", "reconstruction", "codebook", "commitment", "squared_error", "perceptual"),
    "world_model": ("total", "observations", "rewards", "ends"),
    "actor_critic": ("total", "actions", "values", "entropy"),
}
Losses = Callable[[Batch], dict[str, Tensor]]


def train(config: TrainConfig, env: EnvConfig, seed: int, work: Path, out: Path) -> None:
    """Trains an agent from scratch and writes it with its training curves.

    Args:
        work: where checkpoints live until the agent is written.
        out: folder for model.safetensors, config.json and curves/<component>.csv.

    Raises:
        ParamError: the sections do not fit each other.
        IrislibError: a loss is no longer finite, or another process trains this very agent.
    """
    agent_config = AgentConfig(
        env.size, len(ACTION_NAMES), config.tokenizer, config.world_model, config.actor_critic
    )
    trainer = Trainer(config, agent_config, env, seed)
    with work_in(work, "train", asdict(config), asdict(env), seed) as folder:
        trainer.run(folder)
        with replacing(out) as partial:
            trainer.agent.save(partial)
            (partial / "curves").mkdir()
            for component, rows in trainer.curves.items():
                frame = pd.DataFrame(rows, columns=["epoch", "step", *CURVES[component]])
                frame.to_csv(partial / "curves" / f"{component}.csv", index=False, float_format="%.6g")


class Trainer:
    """The state of a training run: agent, optimizers, replay and curves."""

    def __init__(self, config: TrainConfig, agent_config: AgentConfig, env: EnvConfig, seed: int) -> None:
        self.config, self.env, self.seed = config, env, seed
        self.device = pick_device()
        torch.manual_seed(stream_seed(seed, "init"))
        self.agent = Agent(agent_config).to(self.device).eval()
        self.perceptual = load_lpips(self.device) if config.tokenizer.lpips > 0 else None
        fit = config.fit
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "tokenizer": torch.optim.Adam(self.agent.tokenizer.parameters(), fit.tokenizer.learning_rate),
            "world_model": torch.optim.AdamW(
                decay_groups(self.agent.world_model, fit.world_model.weight_decay),
                fit.world_model.learning_rate,
            ),
            "actor_critic": torch.optim.Adam(
                self.agent.actor_critic.parameters(), fit.actor_critic.learning_rate
            ),
        }
        self.replay = Replay(config.collect.lanes)
        self.curves: dict[str, list[dict[str, float]]] = {name: [] for name in CURVES}

    def run(self, folder: Path) -> None:
        """Trains to the last epoch from the latest checkpoint in a folder, leaving one there every epoch."""
        first = self._resume(folder)
        envs = make_vector_env(self.env, self.config.collect.lanes, workers())
        try:
            collector = Collector(envs, self.replay, self.config.collect, self.seed)
            collector.restore()
            for epoch in range(first, self.config.epochs + 1):
                if epoch <= self.config.collect.stop_after_epochs:
                    self._collect(collector, epoch, folder)
                for component in COMPONENTS:
                    self._fit(component, epoch)
                self._checkpoint(epoch, folder)
        finally:
            envs.close()
        self.agent.steps = self.replay.steps

    def _collect(self, collector: Collector, epoch: int, folder: Path) -> None:
        burn_in = self.config.fit.actor_critic.burn_in
        experience, logs = collector.collect(self.agent, burn_in, epoch)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **vars(experience))
        write_atomically(_experience_file(folder, epoch), buffer.getvalue())
        self._log("collect", epoch, logs)

    def _fit(self, component: str, epoch: int) -> None:
        fit: FitConfig = getattr(self.config.fit, component)
        if epoch <= fit.start_after_epochs:
            return
        module: nn.Module = getattr(self.agent, component)
        length, end_inside, losses_of = self._objective(component)
        rng = stream(self.seed, "fit", component, epoch)
        torch.manual_seed(stream_seed(self.seed, "fit", component, epoch))
        sums: dict[str, Tensor] = {}
        module.train()
        for _ in progress(range(fit.steps_per_epoch), desc=f"epoch {epoch} {component}", unit="batch"):
            batch = self.replay.sample(rng, fit.batch_size, length, end_inside=end_inside).to(self.device)
            losses = losses_of(batch)
            total = torch.stack(list(losses.values())).sum()
            optimizer = self.optimizers[component]
            optimizer.zero_grad(set_to_none=True)
            total.backward()
            nn.utils.clip_grad_norm_(module.parameters(), fit.max_grad_norm)
            optimizer.step()
            for name, value in {"total": total, **losses}.items():
                sums[name] = sums.get(name, torch.zeros((), device=self.device)) + value.detach()
        module.eval()
        means = {name: float(value) / fit.steps_per_epoch for name, value in sums.items()}
        if not np.isfinite(means["total"]):
            raise IrislibError(
                f"train.fit.{component}.learning_rate: the loss is not finite in epoch {epoch}; lower it"
            )
        self._log(component, epoch, means)

    def _objective(self, component: str) -> tuple[int, bool, Losses]:
        """Segment length, whether segments may begin before an episode does, and the losses on a batch."""
        agent, fit = self.agent, self.config.fit.actor_critic
        if component == "tokenizer":
            revival = Revival(
                agent.tokenizer, self.optimizers[component], self.config.fit.tokenizer.revive_after
            )

            def on_frames(batch: Batch) -> dict[str, Tensor]:
                losses, quantized = agent.tokenizer.losses(batch.observations.flatten(0, 1), self.perceptual)
                revival.observe(quantized)
                return losses

            return 1, False, on_frames
        if component == "world_model":
            blocks = self.config.world_model.max_blocks
            return blocks, False, lambda b: agent.world_model.losses(b, agent.tokenizer)

        def in_imagination(batch: Batch) -> dict[str, Tensor]:
            imagined = imagine(batch, agent.tokenizer, agent.world_model, agent.actor_critic, fit.horizon)
            return actor_critic_losses(imagined, fit)

        return fit.burn_in + 1, True, in_imagination

    def _log(self, component: str, epoch: int, values: dict[str, float]) -> None:
        self.curves[component].append({"epoch": epoch, "step": self.replay.steps, **values})

    def _checkpoint(self, epoch: int, folder: Path) -> None:
        state: dict[str, Any] = {
            "epoch": epoch,
            "agent": self.agent.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "curves": self.curves,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(folder / "checkpoint.pt", buffer.getvalue())

    def _resume(self, folder: Path) -> int:
        """Loads the checkpoint where there is one; returns the epoch to begin with."""
        file = folder / "checkpoint.pt"
        if not file.exists():
            return 1
        state = torch.load(file, map_location=self.device, weights_only=True)
        self.agent.load_state_dict(state["agent"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.curves = state["curves"]
        for epoch in range(1, min(state["epoch"], self.config.collect.stop_after_epochs) + 1):
            with np.load(_experience_file(folder, epoch)) as chunk:
                self.replay.add(Experience(**chunk))
        return int(state["epoch"]) + 1


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Optimizer groups: weight decay for the weights of linear layers, none for anything else."""
    linear = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear)}
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if id(p) in linear], "weight_decay": weight_decay},
        {"params": [p for p in parameters if id(p) not in linear], "weight_decay": 0.0},
    ]


def _experience_file(folder: Path, epoch: int) -> Path:
    return folder / f"experience-{epoch:04d}.npz"
