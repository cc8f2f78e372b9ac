"""The agent against the official code, and against the speed of its game: python -m benchmarks.agent.

Prints tables for benchmarks/README.md on stdout. The sizes of everything that learns are the profile `paper`.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.contestants import Batches
from benchmarks.curves import compare_curves
from benchmarks.learning import Match, print_head, race_imagination, race_tokenizer, race_world_model
from benchmarks.memory import measure_memory
from benchmarks.official import official_modules
from benchmarks.playing import time_playing
from benchmarks.timing import describe_machine
from irislib.device import pick_device
from stages.common import Command, F

RACES = {"imagination": race_imagination, "tokenizer": race_tokenizer, "world_model": race_world_model}
PARTS = (*RACES, "curves", "playing", "memory")

# The official batches are for a GPU.
GPU = {"frames": 256, "sequences": 64, "trajectories": 64, "steps": 200, "length": 10_000}
CPU = {"frames": 8, "sequences": 4, "trajectories": 16, "steps": 20, "length": 50}


def _size(name: str, help: str) -> Callable[[F], F]:
    text = f"{help} [default: {GPU[name]} on a GPU, else {CPU[name]}]"
    return click.option(f"--{name}", type=click.IntRange(1), help=text)


@click.command(cls=Command)
@click.option(
    "--official",
    type=click.Path(path_type=Path),
    help="Checkout of github.com/eloialonso/iris; without it, what is compared with it is left out.",
)
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="A part; all by default.")
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Turns of each contestant."
)
@_size("frames", "Batch of the tokenizer.")
@_size("sequences", "Batch of the world model.")
@_size("trajectories", "Batch of the policy.")
@click.option("--horizon", type=click.IntRange(2, 20), default=20, show_default=True, help="Imagined steps.")
@_size("steps", "Gradient steps of the loss curves.")
@_size("length", "Longest episode of the agent of official sizes.")
@click.option(
    "--figure",
    type=click.Path(path_type=Path),
    default="benchmarks/loss_curves.png",
    show_default=True,
    help="Loss curves.",
)
def main(
    official: Path | None, only: tuple[str, ...], rounds: int, horizon: int, figure: Path, **sizes: int
) -> None:
    """Measures the agent; every comparison is within one run, in which all take turns."""
    device = pick_device()
    size = {name: given or (GPU if device.type == "cuda" else CPU)[name] for name, given in sizes.items()}
    click.echo(describe_machine(device))
    parts = only or PARTS
    with TemporaryDirectory() as folder:
        if official is None:
            click.echo("imagination, tokenizer, world_model, curves: skipped; give --official", err=True)
        elif set(parts) & {*RACES, "curves"}:
            batches = Batches(size["frames"], size["sequences"], size["trajectories"], horizon)
            frames = Path(folder) / "frames"
            frames.mkdir()
            match = Match(official_modules(official), batches, device, frames, rounds)
            races = [race for name, race in RACES.items() if name in parts]
            if races:
                print_head()
            for race in races:
                race(match)
            if "curves" in parts:
                compare_curves(match, size["steps"], figure)
        if "playing" in parts:
            time_playing(device, rounds, size["length"], Path(folder))
        if "memory" in parts:
            measure_memory(Path(folder))


if __name__ == "__main__":
    main()
