"""What the stages share: their options, the checks before they start, and errors in one line."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from irislib.errors import IrislibError
from irislib.runtime import occupy_standard_streams
from stages.start import check_start

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 130  # the exit code that a shell reports for Ctrl-C
REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


class Command(click.Command):
    """A command whose user errors are shown as one line on stderr, with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command and reports its errors."""
        occupy_standard_streams()
        try:
            self.prepare(ctx)
            return self.run(ctx)
        except IrislibError as error:
            self.fail(ctx, f"error: {error}", 1)
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            remedy = "free some space or change the rights, then run the same command again"
            self.fail(ctx, f"error: {error.filename or 'a file'}: {error.strerror}; {remedy}", 1)
        except EOFError as error:
            raise RuntimeError("end of a file") from error  # click would print nothing but "Aborted!"
        except KeyboardInterrupt:
            line = "interrupted: finished work is kept; the same command continues from there"
            self.fail(ctx, line, INTERRUPTED)

    def prepare(self, ctx: click.Context) -> None:
        """What is checked before the command runs: nothing."""

    def run(self, ctx: click.Context) -> Any:
        """Runs the command. Errors are raised."""
        return super().invoke(ctx)

    def fail(self, ctx: click.Context, message: str, code: int) -> None:
        """Shows the message, and after it how to undo what DVC did, then exits."""
        click.echo("\n".join([message, *way_back()]), err=True)
        ctx.exit(code)


class Stage(Command):
    """A stage of the pipeline: before it works, everything that can be checked is checked."""

    def prepare(self, ctx: click.Context) -> None:
        """See `check_start`."""
        check_start(
            ctx.params["params"], [ctx.params[name] for name in WRITTEN if ctx.params.get(name) is not None]
        )


def way_back() -> list[str]:
    """Under DVC, a line that says how to get the results back that DVC removed before the stage started.

    Empty without DVC, and in the temporary folder of an experiment, where nothing of the user's is.
    """
    root = os.environ.get("DVC_ROOT")
    if "DVC_STAGE" not in os.environ or root is None or Path(root).resolve() != Path.cwd():
        return []
    line = (
        "DVC removed the old results of this stage; to get them back: dvc checkout (data/ and the page), "
        "git checkout reports (tables and figures)"
    )
    if "DVC_EXP_NAME" in os.environ:
        line += "; and what -S changed: git checkout params.yaml"
    return [line]


def path_option(name: str, default: str, help: str) -> Callable[[F], F]:
    """The option `--name` for a path, with the place where the pipeline keeps it as default."""
    return click.option(
        f"--{name}", type=click.Path(path_type=Path), default=default, show_default=True, help=help
    )


params_option = path_option("params", "params.yaml", "Parameters of the pipeline.")
init_option = path_option("init", "data/init", "Folder of the agent to start from, if it holds one.")
agent_option = path_option("agent", "data/agent", "Trained agent, from train.")
rollouts_option = path_option("rollouts", "data/rollouts.zarr", "Recorded play, from rollout.")
heatmaps_option = path_option("heatmaps", "data/heatmaps.zarr", "Maps of the codes, from gradcam.")
changes_option = path_option("changes", "data/changes.zarr", "What each code changes, from change.")
crops_option = path_option("crops", "data/crops.zarr", "Boxes under the maps, from crop.")
embeddings_option = path_option("embeddings", "data/embeddings.zarr", "Features of the crops, from embed.")
work_option = path_option("work", ".work", "Where half-done work waits to be resumed.")

WRITTEN = ("out", "snapshots", "reports", "work")  # options whose path a stage writes to


def every_artifact(command: F) -> F:
    """Options for all the artifacts, for stages that read each of them."""
    for option in (embeddings_option, crops_option, heatmaps_option, rollouts_option, agent_option):
        command = option(command)
    return command
