"""One cell of the study."""

from pathlib import Path

import click

from irislib.artifacts import write_json
from irislib.study.arms import read_arm
from irislib.study.cell import measure_cell
from irislib.study.tokenizers import read_tokenizers
from stages.common import Stage
from stages.study.options import cell_options
from stages.study.progress import timed
from stages.study.tokenizer import make_tokenizers, recorded_play


@click.command(cls=Stage)
@cell_options
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    help="The arm's tokenizers [default: studies/tokenizers/ARM-SEED].",
)
def main(
    params: Path,
    study: Path,
    arms: Path,
    arm: str,
    seed: int,
    play: Path | None,
    tokenizer: Path | None,
    work: Path,
    out: Path,
) -> None:
    """Measures the tokenizer of an arm; first records play and trains it, where they are missing."""
    chosen = read_arm(arm, arms, params, study)
    played = recorded_play(params, study, seed, work, play)
    folder = tokenizer or Path(f"studies/tokenizers/{arm}-{seed}")
    if not folder.exists():
        make_tokenizers(chosen, seed, played, work, folder)
    with timed("measure", arm, seed, work):
        write_json(out, measure_cell(chosen, seed, played, read_tokenizers(folder, chosen, seed, played)))


if __name__ == "__main__":
    main()
