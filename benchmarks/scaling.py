"""What the stages after the recording cost as the recording grows."""

import importlib
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from shutil import rmtree

import click

from benchmarks.measuring import Cost, measure
from benchmarks.recording import copy_beginning
from irislib.artifacts import Store

STAGES = ("gradcam", "crop", "embed", "metrics", "compare", "sensitivity", "plots")
MADE_BY = {"gradcam": "heatmaps", "crop": "crops", "embed": "embeddings"}  # the stores


def measure_stages(play: Store, agent: Path, embedder: Path, sizes: Sequence[int], folder: Path) -> None:
    """Prints seconds and memory of each stage, run as a command, for the first transitions of recorded play.

    Args:
        play: the recording.
        agent: folder of its player.
        embedder: folder of the trained embedder.
        sizes: numbers of transitions, ascending.
        folder: receives what the stages make, a folder a size.
    """
    costs = [_measure(play, agent, embedder, size, folder / str(size)) for size in sizes]
    click.echo(
        "\n| stage | transitions | s | processor s | memory, MiB | processor s grow by, for transitions by |"
    )
    click.echo("| --- | --: | --: | --: | --: | --: |")
    for stage in (*STAGES, "all"):
        for at, size in enumerate(sizes):
            cost = costs[at][stage]
            growth = ""
            if at:
                grown = cost.busy / costs[at - 1][stage].busy
                growth = f"{grown:.2f} for {size / sizes[at - 1]:.2f}"
            numbers = f"{cost.seconds:.0f} | {cost.busy:.0f} | {cost.memory:.0f}"
            click.echo(f"| {stage} | {size:,} | {numbers} | {growth} |")
    for one, other in pairwise(range(len(sizes))):
        more = (costs[other]["all"].memory - costs[one]["all"].memory) * 1024
        steps = sizes[other] - sizes[one]
        click.echo(f"\nFrom {sizes[one]:,} to {sizes[other]:,} transitions: {more / steps:+.2f} KiB each")


def _measure(play: Store, agent: Path, embedder: Path, size: int, folder: Path) -> dict[str, Cost]:
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    paths = {name: folder / f"{name}.zarr" for name in ("rollouts", *MADE_BY.values())}
    paths |= {"agent": agent, "embedder": embedder}
    paths |= {"reports": folder / "reports", "work": folder / "work"}
    copy_beginning(play, size, paths["rollouts"])
    costs = {}
    for stage in STAGES:
        paths["out"] = paths[MADE_BY.get(stage, "reports")]
        costs[stage] = measure(_command(stage, paths), folder / f"{stage}.log")
        click.echo(
            f"{size:,} transitions, {stage}: {costs[stage].seconds:.1f} s, {costs[stage].memory:.0f} MiB",
            err=True,
        )
    seconds, busy, memory = zip(*((c.seconds, c.busy, c.memory) for c in costs.values()), strict=True)
    return costs | {"all": Cost(sum(seconds), sum(busy), max(memory))}


def _command(stage: str, paths: dict[str, Path]) -> list[str]:
    """The stage with those of these paths that it has an option for."""
    options = {option.name for option in importlib.import_module(f"stages.{stage}").main.params}
    given = [f"--{name}={path}" for name, path in paths.items() if name in options]
    return [sys.executable, "-m", f"stages.{stage}", *given]
