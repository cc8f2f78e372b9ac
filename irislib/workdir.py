"""Half-done work, kept outside the artifacts and resumed after a crash.

A folder is named after a digest of everything that the result depends on, so work is taken up again
only for the very same result. A lock keeps two processes out of one folder: killing a runner can leave
its child alive. Files in it carry a checksum, because people copy such folders and disks lose bits.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from irislib.artifacts import digest
from irislib.artifacts.files import told_in_one_line, write_whole
from irislib.errors import ArtifactError, IrislibError
from irislib.sources import loaded_code

__all__ = ["damage", "read_checked", "work_in", "write_checked"]

_CHECKSUM_BYTES = hashlib.sha256().digest_size


@contextmanager
def work_in(root: Path, stage: str, *inputs: Any) -> Iterator[Path]:
    """Yields the folder for this stage with these inputs; deletes it when the block ends without an error.

    Args:
        root: where work folders live.
        stage: leads the folder's name.
        inputs: JSON values, and paths whose content counts. The code that is loaded counts as well, without
            comments and whatever else cannot change a result (`loaded_code`).

    Raises:
        IrislibError: another process is at work in it.
        ArtifactError: the folder cannot be written, or an input cannot be read.
    """
    values = [i for i in inputs if not isinstance(i, Path)]
    key = digest(values, *(i for i in inputs if isinstance(i, Path)), loaded_code())
    folder = root / f"{stage}-{key}"
    lock = FileLock(root / f"{folder.name}.lock")
    with told_in_one_line(folder, "written"):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise IrislibError(
                f"{folder}: another process is at work on this very result; wait for it or end it"
            ) from None
    try:
        yield folder
        with told_in_one_line(folder, "written"):
            shutil.rmtree(folder)
            Path(lock.lock_file).unlink(missing_ok=True)
    finally:
        lock.release()


def write_checked(path: Path, content: bytes) -> None:
    """Writes a file of half-done work, whole or not at all, with a checksum that `read_checked` compares.

    Raises:
        ArtifactError: it cannot be written.
    """
    write_whole(path, hashlib.sha256(content).digest() + content)


def read_checked(path: Path, whole: Path | None = None) -> bytes:
    """The content that `write_checked` was given.

    Args:
        whole: what must be deleted where this file is missing or damaged; by default the file alone.

    Raises:
        ArtifactError: it is missing, cannot be read, or is not what was written.
    """
    whole = whole or path
    with told_in_one_line(path, "read"):
        try:
            stored = path.read_bytes()
        except FileNotFoundError:
            raise damage(path, whole, "is missing") from None
    content = stored[_CHECKSUM_BYTES:]
    if hashlib.sha256(content).digest() != stored[:_CHECKSUM_BYTES]:
        raise damage(path, whole)
    return content


def damage(path: Path, whole: Path, fault: str = "is not what was written") -> ArtifactError:
    """The error to show where a file of half-done work cannot be used, and `whole` must be deleted for it."""
    name = "" if path == whole else f"{path.relative_to(whole)} "
    return ArtifactError(f"{whole}: damaged ({name}{fault}); delete it, then run the same command again")
