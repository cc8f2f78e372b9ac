"""Stage `compare`: the headline under each embedder."""

from pathlib import Path

import click

from irislib.interpret.embedder_comparison import CompareConfig, compare_embedders
from irislib.interpret.embedding.embed import EmbedConfig
from irislib.interpret.metrics_config import MetricsConfig
from irislib.params import load_params
from stages.common import (
    Stage,
    changes_option,
    crops_option,
    embeddings_option,
    params_option,
    path_option,
    rollouts_option,
)
from stages.options import embedder_option


@click.command(cls=Stage)
@params_option
@embedder_option
@rollouts_option
@changes_option
@crops_option
@embeddings_option
@path_option("out", "reports", "Folder for embedders.csv.")
def main(params: Path, out: Path, **artifacts: Path) -> None:
    """Measures the consistency of the codes with each of several embedders."""
    compare_embedders(
        load_params(params, "compare", CompareConfig),
        embed=load_params(params, "embed", EmbedConfig),
        metrics=load_params(params, "metrics", MetricsConfig),
        seed=load_params(params, "seed", int),
        out=out,
        **artifacts,
    )


if __name__ == "__main__":
    main()
