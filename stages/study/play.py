"""Records the play of one seed of the study."""

from pathlib import Path

import click

from irislib.study.play import read_play, record_play
from stages.common import Stage, params_option, work_option
from stages.study.options import out_option, seed_option, study_option


@click.command(cls=Stage)
@params_option
@study_option
@seed_option
@work_option
@out_option
def main(params: Path, study: Path, seed: int, work: Path, out: Path) -> None:
    """Plays the training and the held-out episodes of one seed; resumes after a crash."""
    env, config = read_play(params, study)
    record_play(config, env, seed, work, out)


if __name__ == "__main__":
    main()
