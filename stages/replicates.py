"""Do the findings hold again? A command of its own, since it repeats most of the pipeline several times."""

from pathlib import Path

import click

from irislib.interpret.attribution.change import ChangeConfig
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedding.embed import EmbedConfig
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.tables import write_tables
from irislib.params import load_params
from irislib.playing.rollout import RolloutConfig
from irislib.replicates import ReplicateConfig, replicate
from irislib.worlds.make import load_world
from stages.common import Stage, agent_option, params_option, path_option, rollouts_option, work_option
from stages.options import embedder_option


@click.command(cls=Stage)
@params_option
@agent_option
@rollouts_option
@embedder_option
@work_option
@path_option("out", "reports", "Folder for replicates.csv.")
def main(params: Path, agent: Path, rollouts: Path, embedder: Path, work: Path, out: Path) -> None:
    """Repeats the analysis on halves of the episodes, on crops drawn anew, and on another recording."""
    config = ReplicateConfig(
        env=load_world(params),
        rollout=load_params(params, "rollout", RolloutConfig),
        change=load_params(params, "change", ChangeConfig),
        crop=load_params(params, "crop", CropConfig),
        embed=load_params(params, "embed", EmbedConfig),
        metrics=load_params(params, "metrics", MetricsConfig),
    )
    seed = load_params(params, "seed", int)
    write_tables(out, {"replicates": replicate(config, seed, agent, embedder, rollouts, work)})


if __name__ == "__main__":
    main()
