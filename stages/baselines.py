"""Stage `baselines`: the findings beside codes that mean nothing, or no more than a colour."""

from pathlib import Path

import click

from irislib.interpret.baseline_comparison import compare_baselines
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedding.embed import EmbedConfig
from irislib.interpret.metrics_config import MetricsConfig
from irislib.params import load_params
from stages.common import (
    Stage,
    agent_option,
    changes_option,
    heatmaps_option,
    params_option,
    path_option,
    rollouts_option,
    work_option,
)
from stages.options import embedder_option


@click.command(cls=Stage)
@params_option
@agent_option
@embedder_option
@rollouts_option
@heatmaps_option
@changes_option
@work_option
@path_option("out", "reports", "Folder for baselines.csv.")
def main(params: Path, out: Path, **artifacts: Path) -> None:
    """Looks for the same findings in baselines, and with each attribution of the agent's codes."""
    compare_baselines(
        load_params(params, "metrics", MetricsConfig),
        crop=load_params(params, "crop", CropConfig),
        embed=load_params(params, "embed", EmbedConfig),
        seed=load_params(params, "seed", int),
        out=out,
        **artifacts,
    )


if __name__ == "__main__":
    main()
