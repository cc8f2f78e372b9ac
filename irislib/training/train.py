"""The train stage: an agent to begin with, the training loop, an evaluation, the artifact."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import torch

from irislib import ranks
from irislib.agent.agent import Agent, load_agent
from irislib.agent.config import AgentConfig, TrainConfig
from irislib.agent.official import load_official_iris
from irislib.artifacts import replacing
from irislib.device import pick_device
from irislib.errors import ParamError
from irislib.playing.evaluation import evaluate
from irislib.seeding import stream_seed
from irislib.training.trainer import CURVES, Trainer
from irislib.workdir import work_in
from irislib.worlds.crafter import ACTION_NAMES, EnvConfig


def train(config: TrainConfig, env: EnvConfig, seed: int, work: Path, out: Path) -> None:
    """Trains an agent, judges it and writes it with its training curves.

    Args:
        work: where checkpoints live until the agent is written.
        out: folder for model.safetensors, config.json, evaluation.json, curves/<component>.csv and
            snapshots/epoch-<number>/, agents themselves.

    Raises:
        ParamError: the sections do not fit each other, or the agent to start from.
        ArtifactError: the agent to start from is missing, foreign or damaged.
        IrislibError: a loss is no longer finite, or another process trains this very agent.
    """
    agent = first_agent(config, env, seed)
    origin = [] if config.init is None else [Path(config.init)]
    with ranks.on_first(work_in(work, "train", asdict(config), asdict(env), seed, *origin)) as folder:
        trainer = Trainer(config, agent, env, seed, folder)
        trainer.run()
        evaluation = evaluate(agent, config.evaluation, env, seed)
        if ranks.rank() == 0:
            with replacing(out) as partial:
                agent.save(partial)
                (partial / "evaluation.json").write_text(json.dumps(evaluation, indent=2) + "\n")
                (partial / "curves").mkdir()
                for component, curve in _curves(trainer, *origin).items():
                    curve.to_csv(partial / "curves" / f"{component}.csv", index=False, float_format="%.6g")
                if trainer.snapshots.exists():
                    shutil.copytree(trainer.snapshots, partial / "snapshots")


def _curves(trainer: Trainer, *origin: Path) -> dict[str, pd.DataFrame]:
    """The training curves; they go on where those of the agent that it began with end."""
    curves = {
        component: pd.DataFrame(rows, columns=["epoch", "step", *CURVES[component]])
        for component, rows in trainer.curves.items()
    }
    for folder in origin:
        if (folder / "curves").is_dir():
            past = {component: pd.read_csv(folder / "curves" / f"{component}.csv") for component in curves}
            epochs = max((curve["epoch"].max() for curve in past.values() if len(curve)), default=0)
            for component, curve in curves.items():
                curve["epoch"] += epochs
                if len(past[component]):
                    curves[component] = pd.concat([past[component], curve]) if len(curve) else past[component]
    return curves


def first_agent(config: TrainConfig, env: EnvConfig, seed: int) -> Agent:
    """The agent that training begins with: new, or `config.init` with the losses that `config` asks for.

    Raises:
        ParamError: it does not fit the environment or the schedule.
        ArtifactError: it is missing, foreign or damaged.
    """
    if config.init is None:
        torch.manual_seed(stream_seed(seed, "init"))
        sizes = AgentConfig(
            (env.size, env.size), len(ACTION_NAMES), config.tokenizer, config.world_model, config.actor_critic
        )
        agent = Agent(sizes).to(pick_device()).eval()
    else:
        agent = _load(Path(config.init), config.world_model.num_heads)
    sizes = agent.config
    if sizes.frame != (env.size, env.size):
        raise ParamError(f"env.size: {env.size}, but {config.init} sees {sizes.frame[0]} pixels; set that")
    if sizes.num_actions != len(ACTION_NAMES):
        raise ParamError(
            f"train.init: {config.init} has {sizes.num_actions} actions, Crafter {len(ACTION_NAMES)}; "
            "use an agent that was trained on Crafter"
        )
    horizon, blocks = config.fit.actor_critic.horizon, sizes.world_model.max_blocks
    if horizon > blocks and config.epochs > config.fit.actor_critic.start_after_epochs:
        raise ParamError(
            f"train.fit.actor_critic.horizon: {horizon} imagined steps do not fit the transformer's "
            f"world_model.max_blocks of {blocks}; use fewer"
        )
    agent.tokenizer.config = agent.tokenizer.config.learn_as(config.tokenizer)
    agent.config = replace(sizes, tokenizer=agent.tokenizer.config)
    return agent


def _load(path: Path, num_heads: int) -> Agent:
    return load_agent(path) if path.is_dir() else load_official_iris(path, num_heads)
