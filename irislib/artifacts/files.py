"""Files and folders that are written whole or not at all, by one process at a time.

What the operating system refuses is told in one line, with the path and what to do.
"""

import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from irislib.errors import ArtifactError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def told_in_one_line(path: Path, doing: str) -> Iterator[None]:
    """Turns what the operating system refuses inside the block into an ArtifactError.

    Args:
        path: what is read or written, unless the refusal names another file.
        doing: "read" or "written", for the message.
    """
    try:
        yield
    except OSError as error:
        raise refusal(path, doing, error) from None
    except SafetensorError as error:  # written in Rust, where an error of the system is part of the text
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        raise refusal(path, doing, OSError(int(number[1]), os.strerror(int(number[1])))) from None


def refusal(path: Path, doing: str, error: OSError) -> ArtifactError:
    """The error to show where the operating system does not let a file be read or written."""
    if error.errno in _NO_SPACE:
        remedy = "free some space, then run the same command again"
    elif error.errno in _NO_RIGHT:
        remedy = "give this user the right to it, then run the same command again"
    else:
        remedy = "mend that, then run the same command again"
    other = str(error.filename or path)
    if not other.startswith(str(path)) and not str(path).startswith(other):
        path, doing = Path(other), "opened"
    reason = error.strerror or str(error) or type(error).__name__
    return ArtifactError(f"{path}: cannot be {doing} ({reason}); {remedy}")


def read_file(path: Path, remedy: str) -> bytes:
    """The content of a file.

    Args:
        remedy: what to do where it is missing, for the message.

    Raises:
        ArtifactError: it is missing, or it is there and cannot be read.
    """
    check_readable(path, remedy)
    with told_in_one_line(path, "read"):
        return path.read_bytes()


def check_readable(path: Path, remedy: str) -> None:
    """Tries whether a file can be read, for readers that call every file missing which they cannot open.

    Args:
        remedy: what to do where it is missing, for the message.

    Raises:
        ArtifactError: it is missing, or it is there and cannot be read.
    """
    with told_in_one_line(path, "read"):
        try:
            path.open("rb").close()
        except FileNotFoundError:
            raise ArtifactError(f"{path}: missing; {remedy}") from None


def check_writable(path: Path) -> None:
    """Tries whether an artifact can be written to `path` later; leaves nothing but the folder it goes to.

    Raises:
        ArtifactError: the folder cannot be made or written to, or its disk is full.
    """
    with told_in_one_line(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryFile(dir=path.parent) as stream:
                stream.write(bytes(4096))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None  # not the temporary file's name


@contextmanager
def locked(path: Path, wait: float = 0) -> Iterator[None]:
    """Lets one process at a time write `path`. The lock of a process that died holds nobody up.

    Args:
        wait: seconds to wait for another process.

    Raises:
        ArtifactError: another process writes it, or the lock cannot be made.
    """
    lock = FileLock(path.with_name(f"{path.name}.lock.partial"))
    with told_in_one_line(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=wait)
        except Timeout:
            raise ArtifactError(
                f"{path}: another process is writing it; wait for that process or end it"
            ) from None
    try:
        yield
    finally:
        # Deleted before it is released: a process that opens it in between finds it gone and begins anew.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file so that a crash leaves the old one or the new one, never a torn one.

    Raises:
        ArtifactError: it cannot be written.
    """
    with locked(path, wait=60):
        write_whole(path, content)


def write_whole(path: Path, content: bytes) -> None:
    """As `write_atomically`, for a file that no other process writes: without a lock of its own."""
    partial = path.with_name(path.name + ".partial")
    with told_in_one_line(path, "written"):
        try:
            with partial.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        except OSError:
            _remove(partial)  # it takes the space that is lacking
            raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside `path` that takes its place when the block ends without an error.

    Raises:
        ArtifactError: another process writes it, or the folder or a file in it cannot be written.
    """
    partial, old = path.with_name(path.name + ".partial"), path.with_name(path.name + ".old.partial")
    with locked(path), told_in_one_line(path, "written"):
        if old.exists() and not path.exists():
            old.rename(path)  # the writer before this one was killed between its two renames
        for leftover in (partial, old):
            _remove(leftover)
        partial.mkdir()
        try:
            yield partial
            if path.exists():
                path.rename(old)
            partial.rename(path)
        except BaseException:
            _remove(partial)
            if old.exists():
                old.rename(path)
            raise
        _remove(old)


def _remove(path: Path) -> None:
    """Deletes a file or folder as far as that is possible; what is left, the next writer deletes."""
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return
    for _ in range(20):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.1)  # threads of a store's writer that failed may still write other files of it
