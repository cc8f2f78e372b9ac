"""Checks all of params.yaml and the environment. Every stage runs this before it works (`stages.start`)."""

import os
import subprocess
from pathlib import Path
from typing import Any

import click

from irislib.agent.config import TrainConfig
from irislib.agent.initial import past_curves
from irislib.device import pick_device
from irislib.errors import ArtifactError, ParamError
from irislib.interpret.attribution.change import ChangeConfig
from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedder_comparison import CompareConfig
from irislib.interpret.embedding.embed import EmbedConfig
from irislib.interpret.embedding.recognition import EmbedderConfig, check_scenes
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.sensitivity.config import SensitivityConfig
from irislib.params import parse_section, read_yaml
from irislib.playing.evaluation import EvaluationConfig
from irislib.playing.rollout import RolloutConfig
from irislib.report.config import PlotsConfig
from irislib.runtime import workers
from irislib.training.train import check_origin
from irislib.training.trainer import COMPONENTS
from irislib.worlds.make import AnyWorld
from stages.common import Command, init_option, params_option
from stages.elastic import processes

CONFIGS: dict[str, type] = {
    "seed": int,
    "env": AnyWorld,
    "train": TrainConfig,
    "evaluation": EvaluationConfig,
    "rollout": RolloutConfig,
    "gradcam": GradcamConfig,
    "change": ChangeConfig,
    "crop": CropConfig,
    "embedder": EmbedderConfig,
    "embed": EmbedConfig,
    "metrics": MetricsConfig,
    "compare": CompareConfig,
    "sensitivity": SensitivityConfig,
    "plots": PlotsConfig,
}


def check(values: dict[str, Any], source: str) -> dict[str, Any]:
    """Parses every section.

    Args:
        source: names the file, for the message.

    Raises:
        ParamError: a section is unknown, or does not fit.
    """
    for section in values:
        if section not in CONFIGS:
            raise ParamError(f"{section}: unknown section in {source}; known: {', '.join(CONFIGS)}")
    return {section: parse_section(values, section, config, source) for section, config in CONFIGS.items()}


def check_embedder(sections: dict[str, Any]) -> None:
    """Raises ParamError where the world cannot teach the embedder, or an untrained one is asked for."""
    check_scenes(sections["embedder"], sections["env"])
    weights = {"embed": (sections["embed"].weights,), "compare": sections["compare"].weights}
    for section, names in weights.items():
        if "cells" in names and not sections["embedder"].steps:
            raise ParamError(
                f"{section}.weights: cells needs a trained embedder, and embedder.steps is 0; use random or "
                "imagenet"
            )


def check_environment(train: TrainConfig) -> None:
    """Raises ParamError where a variable is impossible, or there are too many processes for a batch."""
    workers()
    pick_device()
    world = processes()
    for component in COMPONENTS:
        size = getattr(train.fit, component).batch_size
        if size < world:
            raise ParamError(
                f"train.fit.{component}.batch_size: {size} cannot be shared by {world} processes (PET_*); "
                f"use at least {world}"
            )


def check_init(init: Path, sections: dict[str, Any]) -> None:
    """Checks that training can start, from nothing or from the agent in `init`, as far as that is pulled.

    Raises:
        ParamError: the sizes do not fit each other.
        ArtifactError: the agent is damaged, or this is a temporary copy of the project that left it behind.
    """
    origin = init / "agent" if (init / "agent").exists() else None
    if origin is None and (init / "agent.dvc").exists():
        return  # only training needs it, and says how to pull it
    if origin is None:
        check_left_behind(init)
    else:
        past_curves(origin)
    check_origin(sections["train"], sections["env"], sections["seed"], origin)


def check_left_behind(init: Path) -> None:
    """Raises ArtifactError where an experiment's temporary folder lacks an agent that git does not track.

    `dvc exp run --temp` and `--queue` copy what git tracks, and what DVC tracks by files that git tracks.
    """
    root, here = Path(os.environ.get("DVC_ROOT", ".")).resolve(), Path.cwd()
    pointer = init / "agent.dvc"
    if root == here or init.is_absolute() or not (root / init / "agent").exists():
        return
    tracked = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--error-unmatch", str(pointer)], capture_output=True
    )
    if tracked.returncode:
        raise ArtifactError(
            f"{root / init / 'agent'}: git does not track {pointer}, so the temporary folder of this "
            f"experiment lacks the agent; git add {pointer}, then run the experiment again"
        )


@click.command(cls=Command)
@params_option
@init_option
def main(params: Path, init: Path) -> None:
    """Checks every section of the parameters, the environment, and the agent to start from."""
    sections = check(read_yaml(params), str(params))
    check_embedder(sections)
    check_environment(sections["train"])
    check_init(init, sections)


if __name__ == "__main__":
    main()
