"""Where and how things run: workers and progress, from the environment.

Nothing here may change a result, so nothing here is a parameter.
"""

import os
import sys
from collections.abc import Iterable
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


def progress(
    items: Iterable[T] | None = None, *, desc: str, total: int | None = None, unit: str = "it"
) -> "tqdm[T]":
    """A progress bar on stderr with rate and time left; sparse where nobody watches a terminal.

    One a host: among processes of a launcher the first shows its own part.
    """
    return tqdm(
        items,
        desc=desc,
        total=total,
        unit=unit,
        dynamic_ncols=True,
        mininterval=0.2 if sys.stderr.isatty() else 10,
        disable=local_rank() > 0,
    )
