"""One cell of the study."""

from pathlib import Path

import click

from irislib.artifacts import write_json
from irislib.study.arms import read_arm
from irislib.study.cell import run_cell
from irislib.study.play import open_play, read_play, record_play
from stages.common import Stage, params_option, path_option, work_option
from stages.study.options import out_option, seed_option, study_option
from stages.study.progress import timed


@click.command(cls=Stage)
@params_option
@study_option
@path_option("arms", "studies/arms", "Folder of the arms.")
@click.option("--arm", required=True, help="Name of a file in that folder.")
@seed_option
@click.option(
    "--play", type=click.Path(path_type=Path), help="Recorded play [default: studies/play/SEED.zarr]."
)
@work_option
@out_option
def main(
    params: Path, study: Path, arms: Path, arm: str, seed: int, play: Path | None, work: Path, out: Path
) -> None:
    """Makes the tokenizer of an arm and measures it; records the seed's play first where there is none."""
    env, config = read_play(params, study)
    chosen = read_arm(arm, arms, params, study)
    play = play or Path(f"studies/play/{seed}.zarr")
    if not play.exists():
        record_play(config, env, seed, work, play)
    with timed(arm, seed, work):
        write_json(out, run_cell(chosen, seed, open_play(play, config, env, seed)))


if __name__ == "__main__":
    main()
