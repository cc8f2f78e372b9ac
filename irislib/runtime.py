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


def workers() -> int:
    """Processes for sharded work: IRISLIB_WORKERS, else the cores that this process may use.

    Raises ParamError where the variable is not a whole number of at least 1.
    """
    text = os.environ.get("IRISLIB_WORKERS", "")
    if not text:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise ParamError(
            f"IRISLIB_WORKERS: must be a whole number of at least 1, not {text!r}; mend or unset it"
        )
    return int(text)


def progress(
    items: Iterable[T] | None = None, *, desc: str, total: int | None = None, unit: str = "it"
) -> "tqdm[T]":
    """A progress bar on stderr with rate and time left; sparse where nobody watches a terminal."""
    return tqdm(
        items,
        desc=desc,
        total=total,
        unit=unit,
        dynamic_ncols=True,
        mininterval=0.2 if sys.stderr.isatty() else 10,
    )
