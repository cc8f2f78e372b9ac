"""The training loop: collect experience, then fit tokenizer, world model and policy, epoch by epoch.

IRIS, algorithm 1. An epoch is a function of the state before it and its number alone (random streams are
named after it), so training that is killed resumes at the last whole epoch and ends with the same bits.
Every batch is cut into parts (`parts`), which threads and ranks share without a change of any bit; the first
rank plays and keeps the work folder.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from irislib import ranks
from irislib.agent.agent import Agent
from irislib.agent.config import FitConfig, TrainConfig
from irislib.artifacts import replacing
from irislib.errors import IrislibError
from irislib.runtime import progress, workers
from irislib.seeding import stream, stream_seed
from irislib.training.collect import Collector
from irislib.training.learning import PartLearner
from irislib.training.objectives import Objective, Objectives, Rows
from irislib.training.parts import Pool, divide
from irislib.training.replay import Replay
from irislib.workdir import read_checked, write_checked
from irislib.worlds.vector import make_vector_env
from irislib.worlds.world import WorldConfig

COMPONENTS = ("tokenizer", "world_model", "actor_critic")

# Columns of the curves, behind epoch and step; NaN where an epoch has none. Losses that only some
# quantizers have come after them.
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

    Raises:
        ParamError: a batch cannot be shared by the ranks.
    """

    def __init__(self, config: TrainConfig, agent: Agent, seed: int, folder: Path) -> None:
        self.config, self.agent, self.seed, self.folder = config, agent, seed, folder
        fit = config.fit
        # All of them now: a mistake must not wait for the epoch in which a component first learns.
        self.divisions = {
            name: divide(getattr(fit, name).batch_size, f"train.fit.{name}.batch_size", agent.device)
            for name in COMPONENTS
        }
        self.pool = Pool(workers() if agent.device.type == "cpu" else 1)
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
        self.replay = Replay(config.collect.lanes, folder, agent.config.frame)
        self.objectives = Objectives(
            config, agent, self.replay, self.optimizers["tokenizer"], seed, self.pool
        )
        self.steps_before = agent.steps
        self.curves: dict[str, list[dict[str, float]]] = {name: [] for name in CURVES}

    def run(self, env: WorldConfig) -> None:
        """Trains in this environment to the last epoch from the latest checkpoint, leaving one every epoch.

        Call it with torch limited to one thread (`device.one_thread`): the bits are then the same for any
        number of cores.

        Raises:
            IrislibError: a loss or a weight is no longer finite.
        """
        first = self._resume()
        ranks.synchronize(self.agent)
        lanes = self.config.collect.lanes
        envs = make_vector_env(env.for_training(), lanes, workers()) if ranks.rank() == 0 else None
        try:
            collector = None
            if envs is not None:
                collector = Collector(envs, self.replay, self.config.collect, self.seed, self.pool)
                collector.restore()
            for epoch in range(first, self.config.epochs + 1):
                if epoch <= self.config.collect.stop_after_epochs:
                    self._collect(collector, epoch)
                for component in COMPONENTS:
                    self.fit(component, epoch)
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

    def fit(self, component: str, epoch: int) -> None:
        """Fits one component in one epoch. Raises IrislibError where its loss or weights are not finite."""
        fit: FitConfig = getattr(self.config.fit, component)
        if epoch <= fit.start_after_epochs:
            return
        objective = self.objectives.of(component, epoch, self.divisions[component])
        learner = self.learner(component, epoch)
        rng = stream(self.seed, "fit", component, epoch)
        with progress(desc=f"epoch {epoch} {component}", total=fit.steps_per_epoch, unit="batch") as bar:
            for _ in range(fit.steps_per_epoch):
                rows = self.replay.sample(
                    rng, fit.batch_size, objective.length, end_inside=objective.end_inside
                )
                loss = self.step(component, objective, learner, rows)
                bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
                bar.update()
        means = learner.mean_losses(fit.steps_per_epoch)
        weights = all(bool(parameter.isfinite().all()) for parameter in learner.parameters)
        if not (weights and np.isfinite(list(means.values())).all()):
            raise IrislibError(
                f"train.fit.{component}.learning_rate: the loss or a weight is not finite in epoch {epoch}; "
                "lower it"
            )
        self._log(component, epoch, means)

    def learner(self, component: str, epoch: int) -> PartLearner:
        """What computes a component's gradients in an epoch."""
        division = self.divisions[component]
        streams: dict[int, torch.Generator | None] = {part.number: None for part in division.own}
        if self.agent.device.type == "cpu":
            for number in streams:
                seed = stream_seed(self.seed, "fit", component, epoch, "dropout", number)
                streams[number] = torch.Generator().manual_seed(seed)
        else:  # one part a rank: dropout draws from torch's own stream, as its fast kernels do
            torch.manual_seed(stream_seed(self.seed, "fit", component, epoch, "dropout", ranks.rank()))
        return PartLearner(list(getattr(self.agent, component).parameters()), division, streams, self.pool)

    def step(self, component: str, objective: Objective, learner: PartLearner, rows: Rows) -> float:
        """A gradient step on the segments with these rows; returns the loss, judged by this rank's parts."""
        module: nn.Module = getattr(self.agent, component)
        module.train()
        learner.set_gradient(objective.prepare(rows))
        objective.finish()
        nn.utils.clip_grad_norm_(learner.parameters, getattr(self.config.fit, component).max_grad_norm)
        self.optimizers[component].step()
        module.eval()
        return learner.last_loss()

    def _log(self, component: str, epoch: int, values: dict[str, float]) -> None:
        self.curves[component].append({"epoch": epoch, "step": self.agent.steps, **values})

    def _keep(self, epoch: int) -> None:
        if epoch in self.config.snapshots:
            with replacing(self.snapshots / f"epoch-{epoch:04d}") as partial:
                self.agent.save(partial, torch.float16)
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
