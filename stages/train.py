"""Stage `train`: an agent that plays in its own imagination."""

from pathlib import Path

import click

from irislib.agent.config import TrainConfig
from irislib.agent.initial import placed_agent
from irislib.params import load_params
from irislib.training.train import train
from irislib.worlds.make import load_world
from stages.common import init_option, params_option, path_option, work_option
from stages.elastic import ElasticStage


@click.command(cls=ElasticStage)
@params_option
@init_option
@work_option
@path_option("out", "data/agent", "The trained agent.")
@path_option("snapshots", "data/snapshots", "The agent as it was after the epochs in train.snapshots.")
def main(params: Path, init: Path, work: Path, out: Path, snapshots: Path) -> None:
    """Trains the tokenizer, the world model and the actor-critic; resumes after a crash."""
    config = load_params(params, "train", TrainConfig)
    env = load_world(params)
    seed = load_params(params, "seed", int)
    train(config, env, seed, placed_agent(init), work=work, out=out, snapshots=snapshots)


if __name__ == "__main__":
    main()
