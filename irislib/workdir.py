"""Half-done work, kept outside the artifacts and resumed after a crash.

A folder is named after a digest of everything that the result depends on, so work is taken up again
only for the very same result. A lock keeps two processes out of one folder: killing a runner can leave
its child alive.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from irislib.artifacts import digest, write_atomically
from irislib.errors import IrislibError

__all__ = ["inputs_without_paths", "loaded_sources", "work_in", "write_atomically"]


@contextmanager
def work_in(root: Path, stage: str, *inputs: Any) -> Iterator[Path]:
    """Yields the folder for this stage with these inputs; deletes it when the block ends without an error.

    Args:
        root: where work folders live.
        stage: leads the folder's name.
        inputs: JSON values, and paths whose content counts. The code that is loaded counts as well.

    Raises:
        IrislibError: another process is at work in it.
    """
    key = digest(
        list(inputs_without_paths(inputs)), *(i for i in inputs if isinstance(i, Path)), *loaded_sources()
    )
    folder = root / f"{stage}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / f"{folder.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise IrislibError(
            f"{folder}: another process is at work on this very result; wait for it or end it"
        ) from None
    try:
        yield folder
        shutil.rmtree(folder)
        Path(lock.lock_file).unlink(missing_ok=True)
    finally:
        lock.release()


def inputs_without_paths(inputs: tuple[Any, ...]) -> Iterator[Any]:
    """The plain values among the inputs."""
    return (i for i in inputs if not isinstance(i, Path))


def loaded_sources() -> list[Path]:
    """Files of every irislib module imported so far, by module name."""
    modules = sorted((name, m) for name, m in sys.modules.items() if name.split(".")[0] == "irislib")
    return [Path(file) for _, m in modules if (file := getattr(m, "__file__", None))]
