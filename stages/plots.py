"""Stage `plots`: the figures and the page."""

from pathlib import Path
from typing import Any

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
@path_option("glossary", "docs/glossary.md", "Meanings of the words that the page explains.")
@path_option("reports", "reports", "Folder with the metrics; figures and the page are added to it.")
def main(params: Path, reports: Path, **artifacts: Path) -> None:
    """Draws the figures and writes the page."""
    config = load_params(params, "plots", PlotsConfig)
    seed, env = load_params(params, "seed", int), load_params(params, "env", dict)
    build_report(config, seed=seed, reports=reports, level=level_of(env), **artifacts)


def level_of(env: dict[str, Any]) -> str:
    """What the `env` section says of the level or of the game; empty in a world with a single one."""
    return str(env.get("level") or env.get("game") or "")


if __name__ == "__main__":
    main()
