"""What it costs to analyse recorded play, by its length, and Grad-CAM against pytorch-grad-cam.

Run as python -m benchmarks.analysis; prints tables for benchmarks/README.md on stdout.
"""

from pathlib import Path

import click

from benchmarks.attribution import race_gradcam
from benchmarks.recording import record_play
from benchmarks.scaling import measure_stages
from benchmarks.timing import describe_machine
from irislib.device import pick_device
from stages.common import Command, agent_option, path_option
from stages.options import embedder_option

PAPER = 127_434  # transitions of arXiv 2407.19532
SIZES = (1000, 10_000, 100_000, PAPER)
PARTS = ("stages", "gradcam")


@click.command(cls=Command)
@agent_option
@embedder_option
@path_option("folder", ".benchmark", "Keeps the recorded play for the next run, and what is made of it.")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="A part; all by default.")
@click.option(
    "--transitions",
    type=click.IntRange(1),
    multiple=True,
    default=SIZES,
    show_default=True,
    help="Lengths of recorded play that the stages are measured on.",
)
@click.option(
    "--pairs-of",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="Transitions whose maps race against pytorch-grad-cam's.",
)
@click.option(
    "--calls", type=click.IntRange(1), default=100, show_default=True, help="Of pytorch-grad-cam, sampled."
)
@click.option(
    "--episodes", type=click.IntRange(1), default=776, show_default=True, help="Recorded where none are yet."
)
def main(
    agent: Path,
    embedder: Path,
    folder: Path,
    only: tuple[str, ...],
    transitions: tuple[int, ...],
    pairs_of: int,
    calls: int,
    episodes: int,
) -> None:
    """Measures the analysis; the play is recorded once and kept."""
    click.echo(describe_machine(pick_device()))
    play = record_play(agent, episodes, folder)
    if "stages" in (only or PARTS):
        measure_stages(play, agent, embedder, sorted(transitions), folder / "stages")
    if "gradcam" in (only or PARTS):
        race_gradcam(play, pairs_of, calls, folder / "gradcam")


if __name__ == "__main__":
    main()
