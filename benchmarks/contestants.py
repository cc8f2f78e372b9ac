"""The official agent and irislib's, learning from the same frames as their trainers make them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ruamel.yaml import YAML
from torch import Tensor, nn

from benchmarks.official import OfficialModules, build_official
from irislib.agent.agent import Agent
from irislib.agent.config import AgentConfig, TrainConfig
from irislib.params import parse_section
from irislib.seeding import stream, stream_seed
from irislib.study.overlays import read_overlay
from irislib.training.encoded import EncodedReplay
from irislib.training.imagination import imagine
from irislib.training.objectives import Objective
from irislib.training.replay import OUTSIDE, Experience, Replay
from irislib.training.sampling import Sampler
from irislib.training.trainer import Trainer
from irislib.worlds.crafter.game import CrafterConfig, CrafterWorld
from stages.profile import apply


@dataclass(frozen=True)
class Batches:
    """What a gradient step learns from: frames, sequences, imagined trajectories of `horizon` steps."""

    tokenizer: int
    world_model: int
    actor_critic: int
    horizon: int


def paper_config(batches: Batches) -> TrainConfig:
    """The profile `paper` with other batches and without the perceptual loss; read from the repository."""
    text = apply(read_overlay(Path("profiles"), "paper", "profile"), Path("params.yaml").read_text())
    config = parse_section(YAML(typ="safe").load(text), "train", TrainConfig)
    fit = replace(
        config.fit,
        tokenizer=replace(config.fit.tokenizer, batch_size=batches.tokenizer),
        world_model=replace(config.fit.world_model, batch_size=batches.world_model),
        actor_critic=replace(
            config.fit.actor_critic, batch_size=batches.actor_critic, horizon=batches.horizon
        ),
    )
    return replace(config, fit=fit, tokenizer=replace(config.tokenizer, lpips=0.0))


def collect_frames(folder: Path, steps: int) -> Replay:
    """Random play in one lane of Crafter: step t is row t."""
    env, rng = CrafterWorld(CrafterConfig()), stream(0, "benchmark", "actions")
    columns = []
    obs, _ = env.reset(seed=0)
    for step in range(steps):
        action = rng.integers(17)
        following, reward, terminated, truncated, _ = env.step(action)
        columns.append((obs, action, np.float32(reward), terminated, truncated))
        over = terminated or truncated
        obs = env.reset(seed=stream_seed(0, "benchmark", step))[0] if over else following
    replay = Replay(1, folder, CrafterConfig().frame)
    replay.record(Experience(*(np.stack(column)[:, None] for column in zip(*columns, strict=True))))
    return replay


class Ours:
    """irislib's agent, and the gradient steps of its trainer."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.agent, self.config = trainer, trainer.agent, trainer.config
        self.encoded = EncodedReplay(trainer.replay, trainer.agent.tokenizer, trainer.pool)

    @classmethod
    def over(
        cls,
        folder: Path,
        weights: dict[str, Tensor],
        sizes: AgentConfig,
        config: TrainConfig,
        device: torch.device,
    ) -> "Ours":
        """With these weights (others than its own are left out), over the frames in a folder."""
        agent = Agent(sizes)
        agent.load_state_dict({name: weights[name] for name in agent.state_dict()})
        trainer = Trainer(config, agent.to(device).eval(), 0, folder)
        trainer.replay.load(1)
        return cls(trainer)

    def objective(self, component: str, epoch: int = 1) -> Objective:
        """What a component learns in an epoch; a new epoch forgets the tokens of the one before."""
        return self.trainer.objectives.of(component, epoch, self.trainer.divisions[component])

    def imagine(self, rows: np.ndarray) -> None:
        """Imagined trajectories from the ends of the segments with these rows."""
        agent, fit = self.agent, self.config.fit.actor_critic
        sample = Sampler(0, len(rows), slice(None), agent.device)
        self.encoded.encode(rows)
        batch = self.encoded.batch(rows).to(agent.device)
        precision: torch.dtype = getattr(torch, self.config.precision)
        imagine(batch, agent.tokenizer, agent.world_model, agent.actor_critic, fit.horizon, sample, precision)

    def step(self, component: str, objective: Objective, rows: np.ndarray) -> float:
        """A gradient step on segments with these rows; returns the loss."""
        return self.trainer.step(component, objective, self.trainer.learner(component, 1), rows)


class Official:
    """The official agent and the gradient steps of its trainer, which draw from torch's own random stream."""

    def __init__(
        self, modules: OfficialModules, sizes: AgentConfig, config: TrainConfig, device: torch.device
    ) -> None:
        torch.manual_seed(0)
        agent: Any = build_official(modules, sizes)
        agent.to(device).tokenizer.lpips = lambda x, y: torch.zeros((), device=device)
        self.agent, self.config, self.device = agent, config, device
        fit = config.fit
        self.optimizers = {
            "tokenizer": torch.optim.Adam(agent.tokenizer.parameters(), fit.tokenizer.learning_rate),
            "world_model": modules.configure_optimizer(
                agent.world_model, fit.world_model.learning_rate, fit.world_model.weight_decay
            ),
            "actor_critic": torch.optim.Adam(agent.actor_critic.parameters(), fit.actor_critic.learning_rate),
        }
        nets = {"tokenizer": agent.tokenizer, "world_model": agent.world_model}
        names = ("gamma", "lambda_", "entropy_weight")
        self.arguments: dict[str, dict[str, Any]] = {
            "tokenizer": {},
            "world_model": {"tokenizer": agent.tokenizer},
            "actor_critic": {
                **nets,
                "imagine_horizon": fit.actor_critic.horizon,
                **{name: getattr(fit.actor_critic, name) for name in names},
            },
        }

    def batch(self, replay: Replay, rows: np.ndarray) -> dict[str, Tensor]:
        """The segments with these rows as its dataset hands them out; on the device already."""
        inside = rows != OUTSIDE
        columns = {
            "observations": replay.frames(rows).movedim(-1, -3).contiguous().float() / 255,
            "actions": torch.from_numpy(replay.actions[rows] * inside),
            "rewards": torch.from_numpy(replay.rewards[rows] * inside),
            "ends": torch.from_numpy(replay.terminated[rows] & inside).long(),
            "mask_padding": torch.from_numpy(inside),
        }
        return {name: column.to(self.device) for name, column in columns.items()}

    def imagine(self, batch: dict[str, Tensor]) -> None:
        """Imagined trajectories from the segments' ends."""
        with _as_published():
            self.agent.eval().actor_critic.imagine(
                batch, self.agent.tokenizer, self.agent.world_model, self.config.fit.actor_critic.horizon
            )

    def step(self, component: str, batch: dict[str, Tensor]) -> float:
        """A gradient step; returns the loss."""
        module, optimizer = getattr(self.agent.eval(), component), self.optimizers[component]
        with _as_published():
            module.train()
            optimizer.zero_grad()
            total: Tensor = module.compute_loss(batch, **self.arguments[component]).loss_total
            total.backward()
            value = total.item()
            nn.utils.clip_grad_norm_(module.parameters(), getattr(self.config.fit, component).max_grad_norm)
            optimizer.step()
        return value


@contextmanager
def _as_published() -> Iterator[None]:
    """Without the deterministic algorithms that irislib asks torch for, and that cost time."""
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(True)
