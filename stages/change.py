"""Stage `change`: which pixels change when a code is put into a blank grid."""

from pathlib import Path

import click

from irislib.interpret.attribution.change import ChangeConfig, compute_changes
from irislib.params import load_params
from stages.common import Stage, agent_option, params_option, path_option, rollouts_option, work_option


@click.command(cls=Stage)
@params_option
@agent_option
@rollouts_option
@work_option
@path_option("out", "data/changes.zarr", "Maps, and which observation and code use which.")
def main(params: Path, agent: Path, rollouts: Path, work: Path, out: Path) -> None:
    """Maps the pixels that every code of every observation changes; resumes after a crash."""
    config = load_params(params, "change", ChangeConfig)
    compute_changes(config, agent=agent, rollouts=rollouts, work=work, out=out)


if __name__ == "__main__":
    main()
