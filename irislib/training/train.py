"""The train stage: the agent to start from, the training loop, the artifacts."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import torch

from irislib import ranks
from irislib.agent.agent import Agent, load_agent
from irislib.agent.config import AgentConfig, TrainConfig
from irislib.agent.initial import past_curves
from irislib.agent.load import holds_delta_iris
from irislib.artifacts import replacing
from irislib.device import one_thread, pick_device
from irislib.errors import ParamError
from irislib.seeding import stream_seed
from irislib.training.taken import check_taken, require_world, take_as_is
from irislib.training.trainer import CURVES, Trainer
from irislib.workdir import work_in
from irislib.worlds.world import WorldConfig


def train(
    config: TrainConfig,
    env: WorldConfig,
    seed: int,
    origin: Path | None,
    work: Path,
    out: Path,
    snapshots: Path,
) -> None:
    """Trains an agent and writes it, its weights in float16, with its training curves and its snapshots.

    Args:
        origin: folder of the agent to start from; None: a new one. One of Δ-IRIS is not trained (`taken`).
        work: where checkpoints are kept until the agent is written.
        out: folder for model.safetensors, config.json and curves/<component>.csv.
        snapshots: folder for epoch-<number>/, each an agent folder, and epochs.json, the list of numbers.

    Raises:
        ParamError: the sections do not fit each other, or the agent to start from.
        ArtifactError: the agent to start from is missing, foreign or damaged.
        IrislibError: a loss is not finite, a weight does not fit float16, or another process trains this very
            agent.
    """
    if origin is not None and holds_delta_iris(origin):
        take_as_is(config, env, origin, out, snapshots)
        return
    agent = first_agent(config, env, seed, origin)
    past = {} if origin is None else past_curves(origin)
    inputs = [] if origin is None else [origin]
    with ranks.on_first(work_in(work, "train", asdict(config), asdict(env), seed, *inputs)) as folder:
        trainer = Trainer(config, agent, seed, folder)
        with one_thread():
            trainer.run(env)
        if ranks.rank() == 0:
            with replacing(snapshots) as partial:
                epochs = sorted({epoch for epoch in config.snapshots if epoch <= config.epochs})
                (partial / "epochs.json").write_text(json.dumps(epochs) + "\n")
                for epoch in epochs:
                    name = f"epoch-{epoch:04d}"
                    shutil.copytree(trainer.snapshots / name, partial / name)
            with replacing(out) as partial:
                agent.save(partial, torch.float16)
                (partial / "curves").mkdir()
                for component, curve in _curves(trainer, past).items():
                    curve.to_csv(partial / "curves" / f"{component}.csv", index=False, float_format="%.6g")


def _curves(trainer: Trainer, past: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The training curves. They continue `past`, the curves of the agent that training started from."""
    epochs = max((curve["epoch"].max() for curve in past.values() if len(curve)), default=0)
    curves = {}
    for component, rows in trainer.curves.items():
        names = dict.fromkeys(["epoch", "step", *CURVES[component], *(name for row in rows for name in row)])
        curve = pd.DataFrame(rows, columns=list(names))
        curve["epoch"] += epochs
        parts = [part for part in (past.get(component), curve) if part is not None and len(part)]
        curves[component] = pd.concat(parts) if parts else curve
    return curves


def check_origin(config: TrainConfig, env: WorldConfig, seed: int, origin: Path | None) -> None:
    """Raises what `first_agent` raises, or `take_as_is` for an agent that is not trained."""
    if origin is not None and holds_delta_iris(origin):
        check_taken(config, env, origin)
    else:
        first_agent(config, env, seed, origin)


def first_agent(config: TrainConfig, env: WorldConfig, seed: int, origin: Path | None) -> Agent:
    """The agent that training starts from: a new one, or the one in `origin` with the losses of `config`.

    Raises:
        ParamError: it does not fit the environment or the schedule, or its tokenizer would learn from labels.
        ArtifactError: it is missing, foreign or damaged.
    """
    if config.tokenizer.alignment.kind == "labels":
        raise ParamError(
            "train.tokenizer.alignment.kind: labels are not known of what an agent sees while it trains; "
            "use none, context_swap or composition (a tokenizer alone, as in a study, can learn from labels)"
        )
    actions = len(env.describe().actions)
    if origin is None:
        torch.manual_seed(stream_seed(seed, "init"))
        sizes = AgentConfig(env.frame, actions, config.tokenizer, config.world_model, config.actor_critic)
        agent = Agent(sizes).to(pick_device()).eval()
    else:
        agent = load_agent(origin)
    sizes = agent.config
    require_world(sizes.frame, sizes.num_actions, env, origin)
    horizon, blocks = config.fit.actor_critic.horizon, sizes.world_model.max_blocks
    if horizon > blocks and config.epochs > config.fit.actor_critic.start_after_epochs:
        raise ParamError(
            f"train.fit.actor_critic.horizon: {horizon} imagined steps do not fit the transformer's "
            f"world_model.max_blocks of {blocks}; use fewer"
        )
    agent.tokenizer.config = agent.tokenizer.config.learn_as(config.tokenizer)
    agent.config = replace(sizes, tokenizer=agent.tokenizer.config)
    return agent
