"""Stage `rollout`: what the player sees, does and gets."""

from pathlib import Path

import click

from irislib.params import load_params
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.worlds.make import load_world
from stages.common import agent_option, params_option, path_option, work_option
from stages.elastic import ElasticStage


@click.command(cls=ElasticStage)
@params_option
@agent_option
@work_option
@path_option("out", "data/rollouts.zarr", "Frames, tokens, actions and ground truth.")
def main(params: Path, agent: Path, work: Path, out: Path) -> None:
    """Plays whole episodes and records them, with ground truth and tokens; resumes after a crash."""
    config = load_params(params, "rollout", RolloutConfig)
    env = load_world(params)
    roll_out(config, env=env, seed=load_params(params, "seed", int), agent=agent, work=work, out=out)


if __name__ == "__main__":
    main()
