"""Stages that can run as several processes, on one host or many, under torch.distributed's elastic launcher.

The environment says how many: PET_NPROC_PER_NODE, PET_NNODES and every other option of
`python -m torch.distributed.run`, which reads these variables itself. The command never says it, because DVC
compares commands to decide what to run again.
"""

import logging
import os
import signal
import sys
import time
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import click

from irislib import ranks
from irislib.errors import IrislibError, ParamError
from irislib.runtime import cores, launched
from stages.common import INTERRUPTED, Stage

STARTERS = ("PET_NPROC_PER_NODE", "PET_NNODES")
GRACE = 5.0  # seconds


class ElasticStage(Stage):
    """A stage that starts itself as several processes if the environment asks for them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remembers the command line, which the processes are started with."""
        ctx.meta[__name__] = list(args)
        return super().parse_args(ctx, args)

    def run(self, ctx: click.Context) -> Any:
        """Runs the command in this process, or starts the processes that run it."""
        if launched():
            return self._work(ctx)
        if asked_for():
            spec = sys.modules[self.callback.__module__].__spec__
            assert spec is not None
            return launch(["--module", spec.name, *ctx.meta[__name__]])
        return super().run(ctx)

    def _work(self, ctx: click.Context) -> Any:
        """Runs the command as one of several processes. The launcher reports failures."""
        from torch.distributed.elastic.multiprocessing.errors import get_error_handler

        Thread(target=_exit_with, args=(os.getppid(),), daemon=True).start()
        try:
            with ranks.join():
                return super().run(ctx)
        except IrislibError as error:
            get_error_handler().record_exception(error)
            ctx.exit(1)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except Exception:
            # If another process failed first, communication with it fails here. The launcher ends this
            # process within the grace period, so that the user reads only the cause.
            time.sleep(GRACE)
            raise


def launch(command: list[str]) -> None:
    """Runs `python -m torch.distributed.run` with its options from the environment.

    Args:
        command: what each process runs.

    Raises:
        ParamError: an option in the environment is impossible.
        IrislibError: a process failed; the message has one line for each recorded failure.
        KeyboardInterrupt: the user pressed Ctrl-C; the processes have ended.
        SystemExit: another signal arrived; the processes have ended.
    """
    # Imported here because it is slow, and only a run with several processes needs it.
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous.api import RendezvousError
    from torch.distributed.run import run

    options, local, _ = launcher_options(command)
    try:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // local)))
        if not os.environ.get("PET_NNODES"):
            options.local_addr = options.local_addr or "localhost"  # works whatever the host is called
        if "LOGLEVEL" not in os.environ:  # the launcher's log would hide our own lines
            logging.disable(logging.ERROR)
        with TemporaryDirectory(prefix="irislib-") as folder:
            options.log_dir = options.log_dir or folder
            run(options)
    except ChildFailedError as error:
        raise IrislibError(causes(error.failures)) from None
    except SignalException as error:
        if error.sigval == signal.SIGINT:
            raise KeyboardInterrupt from None
        sys.exit(128 + error.sigval)
    except (AssertionError, ValueError, RuntimeError, RendezvousError) as error:
        raise impossible(error) from None


def asked_for() -> bool:
    """Whether the environment asks for several processes."""
    return any(os.environ.get(name) for name in STARTERS)


def processes() -> int:
    """How many processes share one result, on all hosts. Raises ParamError for impossible PET_* variables."""
    if not asked_for():
        return 1
    _, local, hosts = launcher_options(["--module", "stages.train"])
    return local * hosts


def launcher_options(command: list[str]) -> tuple[Any, int, int]:
    """The launcher's options, processes on this host, and the smallest number of hosts. Raises ParamError."""
    from torch.distributed.run import determine_local_world_size, parse_args, parse_min_max_nnodes

    try:
        options = parse_args(command)
        return (
            options,
            determine_local_world_size(options.nproc_per_node),
            parse_min_max_nnodes(options.nnodes)[0],
        )
    except (AssertionError, ValueError, RuntimeError) as error:
        raise impossible(error) from None
    except SystemExit:  # argparse has printed its usage
        raise impossible("an option is impossible") from None


def impossible(reason: object) -> ParamError:
    """The error for variables of the environment that the launcher refuses."""
    return ParamError(f"PET_*: {reason}; see python -m torch.distributed.run --help")


def causes(failures: dict[int, Any]) -> str:
    """What the user should read about failed processes, by rank: one line for each different mistake."""
    recorded = [
        # `ErrorHandler.record_exception` writes a dict; its message begins with the exception's name.
        str(failure.message["message"]).partition(": ")[2]
        for _, failure in sorted(failures.items())
        if isinstance(failure.message, dict)
    ]
    if recorded:
        return "\n".join(dict.fromkeys(recorded))
    # A process that the launcher ended did not cause the failure.
    to_blame = {r: f for r, f in failures.items() if f.exitcode != -signal.SIGTERM} or failures
    rank, failure = min(to_blame.items())
    how = failure.signal_name() if failure.exitcode < 0 else f"exit code {failure.exitcode}"
    return f"rank {rank}: ended with {how}; finished work is kept, the same command continues from there"


def _exit_with(launcher: int) -> None:
    """Ends this process when the launcher is gone: a killed launcher cannot end its processes."""
    while os.getppid() == launcher:
        time.sleep(1)
    os._exit(1)
