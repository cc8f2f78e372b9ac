"""Stage `train`: an agent that plays in its own imagination."""

from pathlib import Path

import click

from irislib.agent.config import TrainConfig
from irislib.params import load_params
from irislib.training.train import train
from irislib.worlds.crafter import EnvConfig
from stages.common import params_option, path_option, work_option
from stages.elastic import ElasticStage


@click.command(cls=ElasticStage)
@params_option
@work_option
@path_option("out", "data/agent", "The trained agent.")
def main(params: Path, work: Path, out: Path) -> None:
    """Trains the tokenizer, the world model and the actor-critic, and judges them; resumes after a crash."""
    config = load_params(params, "train", TrainConfig)
    env = load_params(params, "env", EnvConfig)
    train(config, env=env, seed=load_params(params, "seed", int), work=work, out=out)


if __name__ == "__main__":
    main()
