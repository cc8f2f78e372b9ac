"""What the stages after the recording cost as the recording grows."""

import importlib
import sys
from collections.abc import Sequence
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
    click.echo(
        "\n| transitions | stage | s | processor s | memory, MiB | processor s grow by, for transitions by |"
    )
    click.echo("| --: | --- | --: | --: | --: | --: |")
    before: dict[str, Cost] = {}
    for smaller, size in zip((0, *sizes), sizes, strict=False):
        costs = _measure(play, agent, embedder, size, folder / str(size))
        for stage, cost in costs.items():
            numbers = f"{cost.seconds:.0f} | {cost.busy:.0f} | {cost.memory:.0f}"
            growth = ""
            if before:
                growth = f"{cost.busy / before[stage].busy:.2f} for {size / smaller:.2f}"
            click.echo(f"| {size:,} | {stage} | {numbers} | {growth} |")
        before = costs


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
