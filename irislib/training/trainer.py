"""The training loop: collect experience, then fit tokenizer, world model and policy, epoch by epoch.

IRIS, algorithm 1. An epoch is a function of the state before it and its number alone (random streams are
named after it), so training that is killed resumes at the last whole epoch and ends with the same bits.
Several ranks each take a part of every batch; the first one plays and keeps the work folder.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from irislib import ranks
from irislib.agent.agent import Agent
from irislib.agent.config import FitConfig, TrainConfig
from irislib.artifacts import replacing
from irislib.errors import IrislibError, ParamError
from irislib.runtime import progress, workers
from irislib.seeding import stream, stream_seed
from irislib.training.collect import Collector
from irislib.training.objectives import Objectives
from irislib.training.replay import Replay
from irislib.workdir import read_checked, write_checked
from irislib.worlds.vector import make_vector_env
from irislib.worlds.world import WorldConfig

COMPONENTS = ("tokenizer", "world_model", "actor_critic")

# Columns of the curves, behind epoch and step; NaN where an epoch has none.
CURVES = {
    "collect": ("return", "length", "perplexity"),
    "tokenizer": ("total", "reconstruction", "codebook", "commitment", "squared_error", "perceptual"),
    "world_model": ("total", "observations", "rewards", "ends"),
    "actor_critic": ("total", "actions", "values", "entropy"),
}


class Trainer:
    """The state of a training run: agent, optimizers, replay and curves.

    Args:
        agent: to begin with.
        folder: for the replay, the checkpoint and the snapshots; taken up where it was left.
    """

    def __init__(self, config: TrainConfig, agent: Agent, env: WorldConfig, seed: int, folder: Path) -> None:
        self.config, self.agent, self.env, self.seed, self.folder = config, agent, env, seed, folder
        fit = config.fit
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "tokenizer": torch.optim.Adam(
                agent.tokenizer.parameters(), fit.tokenizer.learning_rate, fused=True
            ),
            "world_model": torch.optim.AdamW(
                decay_groups(agent.world_model, fit.world_model.weight_decay),
                fit.world_model.learning_rate,
                fused=True,
            ),
            "actor_critic": torch.optim.Adam(
                agent.actor_critic.parameters(), fit.actor_critic.learning_rate, fused=True
            ),
        }
        self.replay = Replay(config.collect.lanes, folder, env.frame[0])
        self.objectives = Objectives(config, agent, self.replay, self.optimizers["tokenizer"], seed)
        self.steps_before = agent.steps
        self.curves: dict[str, list[dict[str, float]]] = {name: [] for name in CURVES}

    def run(self) -> None:
        """Trains to the last epoch from the latest checkpoint, leaving one every epoch.

        Raises:
            ParamError: a batch cannot be divided among the ranks.
            IrislibError: a loss is no longer finite.
        """
        first = self._resume()
        ranks.synchronize(self.agent)
        envs = make_vector_env(self.env, self.config.collect.lanes, workers()) if ranks.rank() == 0 else None
        try:
            collector = None
            if envs is not None:
                collector = Collector(envs, self.replay, self.config.collect, self.seed)
                collector.restore()
            for epoch in range(first, self.config.epochs + 1):
                if epoch <= self.config.collect.stop_after_epochs:
                    self._collect(collector, epoch)
                for component in COMPONENTS:
                    self._fit(component, epoch)
                if ranks.rank() == 0:
                    self._keep(epoch)
        finally:
            if envs is not None:
                envs.close()

    def _collect(self, collector: Collector | None, epoch: int) -> None:
        logs: dict[str, float] = {}
        if collector is not None:
            logs = collector.collect(self.agent, self.config.fit.actor_critic.burn_in, epoch)
        logs = ranks.share(logs)
        self.replay.load(epoch)  # what another rank has recorded
        self.agent.steps = self.steps_before + self.replay.steps
        self._log("collect", epoch, logs)

    def _fit(self, component: str, epoch: int) -> None:
        fit: FitConfig = getattr(self.config.fit, component)
        if epoch <= fit.start_after_epochs:
            return
        mine = _part(fit.batch_size, f"train.fit.{component}.batch_size")
        module: nn.Module = getattr(self.agent, component)
        objective = self.objectives.of(component, epoch, mine)
        rng = stream(self.seed, "fit", component, epoch)
        # Dropout alone draws from torch's own stream, and must differ between the ranks.
        torch.manual_seed(stream_seed(self.seed, "fit", component, epoch, ranks.rank()))
        sums: dict[str, Tensor] = {}
        module.train()
        for _ in progress(range(fit.steps_per_epoch), desc=f"epoch {epoch} {component}", unit="batch"):
            rows = self.replay.sample(rng, fit.batch_size, objective.length, end_inside=objective.end_inside)
            losses = objective.losses(rows[mine])
            total = torch.stack(list(losses.values())).sum()
            optimizer = self.optimizers[component]
            optimizer.zero_grad(set_to_none=True)
            total.backward()
            ranks.average_gradients(module.parameters())
            nn.utils.clip_grad_norm_(module.parameters(), fit.max_grad_norm)
            optimizer.step()
            for name, value in {"total": total, **losses}.items():
                sums[name] = sums.get(name, torch.zeros_like(value)) + value.detach()
        module.eval()
        means = {name: float(ranks.mean(value)) / fit.steps_per_epoch for name, value in sums.items()}
        if not np.isfinite(means["total"]):
            raise IrislibError(
                f"train.fit.{component}.learning_rate: the loss is not finite in epoch {epoch}; lower it"
            )
        self._log(component, epoch, means)

    def _log(self, component: str, epoch: int, values: dict[str, float]) -> None:
        self.curves[component].append({"epoch": epoch, "step": self.agent.steps, **values})

    def _keep(self, epoch: int) -> None:
        if epoch in self.config.snapshots:
            with replacing(self.snapshots / f"epoch-{epoch:04d}") as partial:
                self.agent.save(partial)
        state: dict[str, Any] = {
            "epoch": epoch,
            "agent": self.agent.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "curves": self.curves,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_checked(self.folder / "checkpoint.pt", buffer.getvalue())

    @property
    def snapshots(self) -> Path:
        """Folder of the agents that were kept along the way."""
        return self.folder / "snapshots"

    def _resume(self) -> int:
        """Loads the checkpoint where there is one; returns the epoch to begin with."""
        file, first = self.folder / "checkpoint.pt", 1
        if file.exists():
            content = io.BytesIO(read_checked(file))
            state = torch.load(content, map_location=self.agent.device, weights_only=True)
            self.agent.load_state_dict(state["agent"])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
            self.curves = state["curves"]
            self.replay.load(min(state["epoch"], self.config.collect.stop_after_epochs))
            self.agent.steps = self.steps_before + self.replay.steps
            first = int(state["epoch"]) + 1
        ranks.barrier()  # the first rank's next checkpoint must not be what a slow one begins with
        return first


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Optimizer groups: weight decay for the weights of linear layers, none for anything else."""
    linear = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear)}
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if id(p) in linear], "weight_decay": weight_decay},
        {"params": [p for p in parameters if id(p) not in linear], "weight_decay": 0.0},
    ]


def _part(batch_size: int, key: str) -> slice:
    """This rank's rows of a batch. Raises ParamError where it cannot be divided evenly."""
    world = ranks.world_size()
    if batch_size % world:
        raise ParamError(f"{key}: {batch_size} cannot be divided among {world} ranks; use a multiple")
    size = batch_size // world
    return slice(ranks.rank() * size, (ranks.rank() + 1) * size)
