"""Stage `plots`: the figures and the page."""

from pathlib import Path

import click

from irislib.params import load_params
from irislib.report.build import build_report
from irislib.report.config import PlotsConfig
from stages.common import Stage, every_artifact, params_option, path_option
from stages.options import embedder_option


@click.command(cls=Stage)
@params_option
@every_artifact
@embedder_option
@path_option("reports", "reports", "Folder with the metrics; figures and the page are added to it.")
def main(params: Path, reports: Path, **artifacts: Path) -> None:
    """Draws the figures and writes the page."""
    config = load_params(params, "plots", PlotsConfig)
    build_report(config, seed=load_params(params, "seed", int), reports=reports, **artifacts)


if __name__ == "__main__":
    main()
