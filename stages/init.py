"""Puts an agent from elsewhere into data/init, for training to start from, and versions it with DVC."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click

from irislib.agent.config import TrainConfig
from irislib.agent.delta_iris import is_delta_iris, load_official_delta_iris
from irislib.agent.initial import copy_agent, past_curves
from irislib.agent.load import holds_delta_iris, load_any_agent
from irislib.agent.official import load_official_iris
from irislib.artifacts import replacing
from irislib.errors import ArtifactError, IrislibError, ParamError
from irislib.params import load_params
from irislib.training.train import check_origin
from irislib.worlds.make import load_world
from stages.common import Command, init_option, params_option


def place(source: Path, folder: Path, num_heads: int | None, params: Path) -> None:
    """Writes the agent in `source` to `folder`, if training can start from it.

    Args:
        source: an agent folder, or an official `last.pt`.
        folder: replaced whole.
        num_heads: of the world model of an official agent; by default as in the released ones.

    Raises:
        ArtifactError: it is missing, foreign or damaged.
        ParamError: it does not fit the parameters.
    """
    if not source.exists():
        raise ArtifactError(f"{source.absolute()}: missing; give an agent folder or an official last.pt")
    with replacing(folder) as partial:
        if source.is_dir():
            load_any_agent(source)
            past_curves(source)
            copy_agent(source, partial)
        elif is_delta_iris(source):
            load_official_delta_iris(source, num_heads).save(partial)
        else:
            load_official_iris(source, num_heads).save(partial)
        config, env = load_params(params, "train", TrainConfig), load_world(params)
        if holds_delta_iris(partial):
            config = replace(config, epochs=0, snapshots=())  # it can only be taken as it is
        check_origin(config, env, load_params(params, "seed", int), partial)


def version(folder: Path) -> Path:
    """Adds a folder to DVC; returns the file that git has to track. Raises IrislibError with DVC's reason."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "add", "--quiet", str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise IrislibError(f"{folder}: is there, but DVC could not add it ({reason}); run dvc add {folder}")
    return folder.with_name(f"{folder.name}.dvc")


@click.command(cls=Command)
@click.argument("source", required=False, type=click.Path(path_type=Path))
@click.option("--clear", is_flag=True, help="Take the agent away: training starts from nothing again.")
@click.option(
    "--num-heads",
    type=click.IntRange(1),
    help="Attention heads of an official world model, if not as released.",
)
@params_option
@init_option
def main(source: Path | None, clear: bool, num_heads: int | None, params: Path, init: Path) -> None:
    """Makes training start from the agent SOURCE: an agent folder, or an official last.pt of IRIS or Δ-IRIS.

    Its sizes replace those in params.yaml. With train.epochs=0 it is taken as it is; Δ-IRIS needs that.
    """
    if clear == (source is not None):
        raise ParamError("SOURCE: give either an agent to start from, or --clear")
    folder = init / "agent"
    pointer = init / "agent.dvc"
    if source is not None:
        place(source, folder, num_heads, params)
        click.echo(f"training starts from {folder}; now: git add {version(folder)}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
        pointer.unlink(missing_ok=True)
        click.echo(f"training starts from nothing; now: git rm --quiet --ignore-unmatch {pointer}")


if __name__ == "__main__":
    main()
