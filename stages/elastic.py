"""Stages that several processes can share: one host or many, under torch.distributed's elastic launcher.

How many is the environment's choice, never the command's, which DVC hashes: PET_NPROC_PER_NODE, PET_NNODES
and every other option of `python -m torch.distributed.run`, which reads them itself.
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
    """A stage that starts itself as several processes where the environment asks for them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keeps the command line for the processes."""
        ctx.meta[__name__] = list(args)
        return super().parse_args(ctx, args)

    def run(self, ctx: click.Context) -> Any:
        """Runs the command, alone, as one of several processes, or by starting these."""
        if launched():
            return self._work(ctx)
        if any(os.environ.get(name) for name in STARTERS):
            spec = sys.modules[self.callback.__module__].__spec__
            assert spec is not None
            return launch(["--module", spec.name, *ctx.meta[__name__]])
        return super().run(ctx)

    def _work(self, ctx: click.Context) -> Any:
        """Runs the command as one of several; what ends it is for the launching process to tell."""
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
            # Where another process failed first, talking to it fails too: let the launcher end this one
            # before its traceback buries the cause.
            time.sleep(GRACE)
            raise


def launch(command: list[str]) -> None:
    """Runs `python -m torch.distributed.run` with its options from the environment.

    Args:
        command: its arguments: what each process runs.

    Raises:
        ParamError: an option in the environment is impossible.
        IrislibError: a process failed; what it recorded, one line a failure.
        KeyboardInterrupt: on Ctrl-C, after the processes have ended.
        SystemExit: on another signal, likewise.
    """
    # Slow to import, and needed by nobody else.
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous.api import RendezvousError
    from torch.distributed.run import determine_local_world_size, parse_args, run

    try:
        options = parse_args(command)
        processes = determine_local_world_size(options.nproc_per_node)
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // processes)))
        if not os.environ.get("PET_NNODES"):
            options.local_addr = options.local_addr or "localhost"  # works whatever the host is called
        if "LOGLEVEL" not in os.environ:  # the launcher's; what it says would bury what we do
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
        raise ParamError(f"PET_*: {error}; see python -m torch.distributed.run --help") from None


def causes(failures: dict[int, Any]) -> str:
    """What the user should read about failed processes, by rank: each mistake once, in a line."""
    recorded = [
        # As `ErrorHandler.record_exception` writes it: a dict, its message led by the exception's name.
        str(failure.message["message"]).partition(": ")[2]
        for _, failure in sorted(failures.items())
        if isinstance(failure.message, dict)
    ]
    if recorded:
        return "\n".join(dict.fromkeys(recorded))
    # Those that the launcher ended are not to blame.
    to_blame = {r: f for r, f in failures.items() if f.exitcode != -signal.SIGTERM} or failures
    rank, failure = min(to_blame.items())
    how = failure.signal_name() if failure.exitcode < 0 else f"exit code {failure.exitcode}"
    return f"rank {rank}: ended with {how}; finished work is kept, the same command takes it up again"


def _exit_with(launcher: int) -> None:
    """A killed launcher cannot end its processes: they watch it and leave."""
    while os.getppid() == launcher:
        time.sleep(1)
    os._exit(1)
