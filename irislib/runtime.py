"""Where and how things run: workers and progress, from the environment.

Nothing here may change a result, so nothing here is a parameter.
"""

import atexit
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker
from pathlib import Path
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
    """Processes for sharded work: IRISLIB_WORKERS, else this process's part of the cores; 1 in a worker.

    Raises ParamError where the variable is not a whole number of at least 1.
    """
    text = os.environ.get("IRISLIB_WORKERS", "") or str(max(1, cores() // local_world_size()))
    if not text.isdecimal() or int(text) < 1:
        raise ParamError(
            f"IRISLIB_WORKERS: must be a whole number of at least 1, not {text!r}; mend or unset it"
        )
    return 1 if parent_process() else int(text)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes started inside the block never hear Ctrl-C; this one hears it when the block ends.

    For the main thread. A terminal sends Ctrl-C to a process and all that it has started, which would each
    end with a traceback of their own, even while Python itself starts. Who starts them must end them.
    """
    heard: list[bool] = []
    resource_tracker.ensure_running()  # started inside the block it would unblock the signal
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

    One a host: among processes of a launcher the first shows its own part, and workers show nothing. None
    where stderr is closed.
    """
    return tqdm(
        items,
        desc=desc,
        total=total,
        unit=unit,
        dynamic_ncols=True,
        mininterval=0.2 if sys.stderr and sys.stderr.isatty() else 10,
        disable=sys.stderr is None or local_rank() > 0 or parent_process() is not None,
    )


def occupy_standard_streams() -> None:
    """Opens the null device in place of standard streams that are closed (`2>&-`).

    Otherwise the next file that is opened gets the number of the stream, and what libraries print goes there.
    """
    for stream in (0, 1, 2):
        try:
            os.fstat(stream)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def find_numba_cache(package: str) -> None:
    """Gives numba a folder for what it compiles. Call it before numba is imported.

    numba writes beside the source, or where NUMBA_CACHE_DIR says. Where the installation cannot be written,
    this is a folder in the user's cache; where that cannot either, a temporary one, deleted at the end.

    Args:
        package: whose functions numba compiles.
    """
    spec = importlib.util.find_spec(package)
    if "NUMBA_CACHE_DIR" in os.environ or spec is None or spec.origin is None:
        return
    if _can_be_written(Path(spec.origin).parent / "__pycache__"):
        return
    caches = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    folder = caches / "irislib-numba"
    if not caches.is_absolute() or not _can_be_written(folder):
        folder = Path(tempfile.mkdtemp(prefix="irislib-numba-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
