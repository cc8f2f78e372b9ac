"""One whole agent of the study."""

from pathlib import Path

import click

from irislib.study.agents import read_agent, run_agent
from irislib.study.overlays import read_overlay
from stages.common import Stage, params_option, path_option, work_option
from stages.study.options import out_option, seed_option, study_option


@click.command(cls=Stage)
@params_option
@study_option
@path_option("profiles", "profiles", "Folder of the profiles.")
@click.option("--profile", required=True, help="Name of a profile.")
@seed_option
@work_option
@out_option
def main(params: Path, study: Path, profiles: Path, profile: str, seed: int, work: Path, out: Path) -> None:
    """Trains a whole agent with the parameters of a profile and judges it; resumes after a crash."""
    overlay = read_overlay(profiles, profile, "profile")
    run_agent(profile, read_agent(params, overlay, study), seed, work, out)


if __name__ == "__main__":
    main()
