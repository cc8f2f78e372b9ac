"""Whole agents of the study: what a tokenizer does to the world model and to the policy."""

import json
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from irislib.agent.config import TrainConfig
from irislib.agent.initial import past_curves
from irislib.artifacts import write_json
from irislib.params import read_yaml
from irislib.playing.evaluation import EvaluationConfig, evaluate
from irislib.study.overlays import overlaid, parse_from
from irislib.training.train import train
from irislib.workdir import work_in
from irislib.worlds.make import AnyWorld
from irislib.worlds.world import WorldConfig


@dataclass(frozen=True)
class AgentParams:
    """How a whole agent is trained and judged: the sections `train`, `env` and `evaluation`."""

    train: TrainConfig
    env: WorldConfig
    evaluation: EvaluationConfig


def read_agent(params: Path, profile: dict[str, Any], study: Path) -> AgentParams:
    """The parameters of an agent: params.yaml with a profile laid over it.

    Args:
        params: params.yaml.
        profile: an overlay of it; empty for the default agent.
        study: studies/params.yaml, whose section `evaluation` says on how many episodes agents are judged.

    Raises:
        ParamError: a file cannot be read, or a section is missing or does not fit.
    """
    values = overlaid(read_yaml(params), profile)
    values["evaluation"] = overlaid(values.get("evaluation", {}), read_yaml(study).get("evaluation", {}))
    return AgentParams(
        train=parse_from(values, "train", TrainConfig, params),
        env=parse_from(values, "env", AnyWorld, params),  # type: ignore[type-abstract]
        evaluation=parse_from(values, "evaluation", EvaluationConfig, params),
    )


def run_agent(name: str, params: AgentParams, seed: int, work: Path, out: Path) -> None:
    """Trains an agent, judges it on whole episodes, and writes the result as JSON.

    The result has `agent` (its name), `world`, `seed`, `tokens_per_frame`, `codes`, all that `evaluate`
    finds, and `curve` (`learning_curve`).

    Args:
        name: of the agent.
        params: how it is trained and judged.
        seed: of all draws.
        work: where half-done work waits to be resumed.
        out: the JSON file.

    Raises:
        ParamError: the sections do not fit each other.
        IrislibError: training diverged, a worker died, or another process makes this very result.
    """
    values = [asdict(params.train), asdict(params.env), asdict(params.evaluation)]
    with work_in(work, "agent", *values, seed) as folder:
        agent, judged = folder / "agent", folder / "evaluation.json"
        if not agent.exists():
            train(params.train, params.env, seed, None, work=work, out=agent, snapshots=folder / "snapshots")
        evaluate(params.evaluation, params.env, seed, agent=agent, work=work, out=judged)
        tokenizer = params.train.tokenizer
        about = {"agent": name, "world": params.env.world, "seed": seed}
        about |= {"tokens_per_frame": prod(tokenizer.grid(params.env.frame)), "codes": tokenizer.vocab_size}
        write_json(out, about | json.loads(judged.read_text()) | {"curve": learning_curve(agent)})


def learning_curve(agent: Path) -> dict[str, list[float]]:
    """The return of the episodes that the agent played to learn from, as it learned.

    Args:
        agent: folder of the trained agent.

    Returns:
        By epoch in which an episode ended: `step` (environment steps until then) and `return` (the mean over
        these episodes).

    Raises:
        ArtifactError: the folder's curves are missing or damaged.
    """
    curve = past_curves(agent)["collect"][["step", "return"]].dropna()
    return {str(name): values.tolist() for name, values in curve.items()}
