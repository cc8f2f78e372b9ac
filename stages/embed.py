"""Stage `embed`: features of the crops."""

from pathlib import Path

import click

from irislib.interpret.embedding.embed import EmbedConfig, embed_crops
from irislib.params import load_params
from stages.common import Stage, crops_option, params_option, path_option, rollouts_option
from stages.options import embedder_option


@click.command(cls=Stage)
@params_option
@rollouts_option
@crops_option
@embedder_option
@path_option("out", "data/embeddings.zarr", "Features, and which crop has which.")
def main(params: Path, rollouts: Path, crops: Path, embedder: Path, out: Path) -> None:
    """Embeds every distinct crop with ResNet50."""
    embed_crops(
        load_params(params, "embed", EmbedConfig),
        seed=load_params(params, "seed", int),
        rollouts=rollouts,
        crops=crops,
        embedder=embedder,
        out=out,
    )


if __name__ == "__main__":
    main()
