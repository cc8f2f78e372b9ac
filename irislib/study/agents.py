"""Whole agents of the study: what a tokenizer does to the world model and to the policy."""

import json
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from irislib.agent.config import TrainConfig
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

    The result has `agent` (its name), `seed`, `tokens_per_frame`, `codes`, and all that `evaluate` finds.

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
        about = {"agent": name, "seed": seed, "tokens_per_frame": prod(tokenizer.grid(params.env.frame))}
        write_json(out, about | {"codes": tokenizer.vocab_size} | json.loads(judged.read_text()))
