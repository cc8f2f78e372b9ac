"""Makes the tokenizer of one cell of the study."""

from pathlib import Path

import click

from irislib.artifacts import Store
from irislib.study.arms import Arm, read_arm
from irislib.study.play import open_play, read_play, record_play
from irislib.study.tokenizers import write_tokenizers
from stages.common import Stage
from stages.study.options import cell_options
from stages.study.progress import timed


def recorded_play(params: Path, study: Path, seed: int, work: Path, path: Path | None) -> Store:
    """The play of a seed, recorded first where there is none; by default studies/play/SEED.zarr."""
    env, config = read_play(params, study)
    path = path or Path(f"studies/play/{seed}.zarr")
    if not path.exists():
        record_play(config, env, seed, work, path)
    return open_play(path, config, env, seed)


def make_tokenizers(arm: Arm, seed: int, play: Store, work: Path, out: Path) -> None:
    """Writes the folder of a cell's tokenizers."""
    with timed("train", arm.name, seed, work):
        write_tokenizers(arm, seed, play, out)


@click.command(cls=Stage)
@cell_options
def main(
    params: Path, study: Path, arms: Path, arm: str, seed: int, play: Path | None, work: Path, out: Path
) -> None:
    """Makes the tokenizer of an arm; first records the seed's play where it is missing."""
    chosen = read_arm(arm, arms, params, study)
    make_tokenizers(chosen, seed, recorded_play(params, study, seed, work, play), work, out)


if __name__ == "__main__":
    main()
