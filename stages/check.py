"""Reads every section of params.yaml, so that the last stage's mistake is found before the first runs."""

from pathlib import Path
from typing import Any

import click

from irislib.agent.config import TrainConfig
from irislib.errors import ParamError
from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedder_comparison import CompareConfig
from irislib.interpret.embedding.embed import EmbedConfig
from irislib.interpret.embedding.recognition import EmbedderConfig
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.sensitivity.config import SensitivityConfig
from irislib.params import parse_section, read_yaml
from irislib.playing.rollout import RolloutConfig
from irislib.report.build import PlotsConfig
from irislib.worlds.crafter import EnvConfig
from stages.common import Stage, params_option

CONFIGS: dict[str, type] = {
    "seed": int,
    "env": EnvConfig,
    "train": TrainConfig,
    "rollout": RolloutConfig,
    "gradcam": GradcamConfig,
    "crop": CropConfig,
    "embedder": EmbedderConfig,
    "embed": EmbedConfig,
    "metrics": MetricsConfig,
    "compare": CompareConfig,
    "sensitivity": SensitivityConfig,
    "plots": PlotsConfig,
}


def check(values: dict[str, Any], source: str) -> None:
    """Raises ParamError for the first section that nobody knows or that does not fit.

    Args:
        source: names the file.
    """
    for section in values:
        if section not in CONFIGS:
            raise ParamError(f"{section}: unknown section in {source}; known: {', '.join(CONFIGS)}")
    for section, config in CONFIGS.items():
        parse_section(values, section, config, source)


@click.command(cls=Stage)
@params_option
def main(params: Path) -> None:
    """Checks every section of the parameters."""
    check(read_yaml(params), str(params))


if __name__ == "__main__":
    main()
