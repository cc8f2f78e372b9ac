"""Stage `embedder`: a network that knows what the frames of the world show."""

from pathlib import Path

import click

from irislib.interpret.embedding.recognition import EmbedderConfig, train_embedder
from irislib.params import load_params
from irislib.worlds.make import load_world
from stages.common import Stage, params_option, path_option


@click.command(cls=Stage)
@params_option
@path_option("out", "data/embedder", "The trained network, and how good it is.")
def main(params: Path, out: Path) -> None:
    """Trains a ResNet50 from scratch on labelled scenes, and judges it on scenes that it has not seen."""
    config = load_params(params, "embedder", EmbedderConfig)
    env = load_world(params)
    train_embedder(config, env=env, seed=load_params(params, "seed", int), out=out)


if __name__ == "__main__":
    main()
