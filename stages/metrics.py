"""Stage `metrics`: the numbers."""

from pathlib import Path

import click

from irislib.interpret.metrics import compute_metrics
from irislib.interpret.metrics_config import MetricsConfig
from irislib.params import load_params
from stages.common import Stage, every_artifact, params_option, path_option


@click.command(cls=Stage)
@params_option
@every_artifact
@path_option("out", "reports", "Folder for metrics.json, details.json and the tables.")
def main(params: Path, out: Path, **artifacts: Path) -> None:
    """Measures empty maps, consistency, co-occurrence and what the codes show."""
    config = load_params(params, "metrics", MetricsConfig)
    compute_metrics(config, seed=load_params(params, "seed", int), out=out, **artifacts)


if __name__ == "__main__":
    main()
