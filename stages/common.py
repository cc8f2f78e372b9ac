"""What the stages share: their options, and errors as one line instead of a traceback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from irislib.errors import IrislibError
from irislib.runtime import occupy_standard_streams

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 130  # what a shell reports for Ctrl-C


class Stage(click.Command):
    """A command that a user's mistake ends with one line on stderr and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; see the class."""
        occupy_standard_streams()
        try:
            return self.run(ctx)
        except IrislibError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted: finished work is kept; the same command takes it up again", err=True)
            ctx.exit(INTERRUPTED)

    def run(self, ctx: click.Context) -> Any:
        """Runs the command, errors and all."""
        return super().invoke(ctx)


def path_option(name: str, default: str, help: str) -> Callable[[F], F]:
    """The option `--name` for a path, where the pipeline keeps it by default."""
    return click.option(
        f"--{name}", type=click.Path(path_type=Path), default=default, show_default=True, help=help
    )


params_option = path_option("params", "params.yaml", "Parameters of the pipeline.")
agent_option = path_option("agent", "data/agent", "Trained agent, from train.")
rollouts_option = path_option("rollouts", "data/rollouts.zarr", "Recorded play, from rollout.")
heatmaps_option = path_option("heatmaps", "data/heatmaps.zarr", "Maps of the codes, from gradcam.")
crops_option = path_option("crops", "data/crops.zarr", "Boxes under the maps, from crop.")
embeddings_option = path_option("embeddings", "data/embeddings.zarr", "Features of the crops, from embed.")
work_option = path_option("work", ".work", "Where half-done work waits to be resumed.")


def every_artifact(command: F) -> F:
    """Options for all the artifacts, for stages that read each of them."""
    for option in (embeddings_option, crops_option, heatmaps_option, rollouts_option, agent_option):
        command = option(command)
    return command
