"""Where and how things run: workers and progress, from the environment.

Nothing here may change a result, so nothing here is a parameter.
"""

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

from irislib.errors import ParamError

T = TypeVar("T")


def launched() -> bool:
    """Whether torch.distributed's elastic launcher started this process, directly or through a parent."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def local_rank() -> int:
    """Number of this process among those that the launcher started on this host; 0 without a launcher."""
    return int(os.environ["LOCAL_RANK"]) if launched() else 0


def local_world_size() -> int:
    """How many processes the launcher started on this host; 1 without a launcher."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if launched() else 1


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers() -> int:
    """Processes for sharded work: IRISLIB_WORKERS, else this process's part of the cores.

    Raises ParamError where the variable is not a whole number of at least 1.
    """
    text = os.environ.get("IRISLIB_WORKERS", "")
    if not text:
        return max(1, cores() // local_world_size())
    if not text.isdecimal() or int(text) < 1:
        raise ParamError(
            f"IRISLIB_WORKERS: must be a whole number of at least 1, not {text!r}; mend or unset it"
        )
    return int(text)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes started inside the block never hear Ctrl-C; this one hears it when the block ends.

    For the main thread. A terminal sends Ctrl-C to a process and all that it has started, which would each
    end with a traceback of their own, even while Python itself starts. Who starts them must end them.
    """
    heard = []
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what a new process inherits
    handler = signal.signal(signal.SIGINT, lambda *_: heard.append(True))  # another thread can still hear it
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    if heard:
        raise KeyboardInterrupt


def progress(
    items: Iterable[T] | None = None, *, desc: str, total: int | None = None, unit: str = "it"
) -> "tqdm[T]":
    """A progress bar on stderr with rate and time left; sparse where nobody watches a terminal.

    One a host: among processes of a launcher the first shows its own part. None where stderr is closed.
    """
    return tqdm(
        items,
        desc=desc,
        total=total,
        unit=unit,
        dynamic_ncols=True,
        mininterval=0.2 if sys.stderr and sys.stderr.isatty() else 10,
        disable=sys.stderr is None or local_rank() > 0,
    )
