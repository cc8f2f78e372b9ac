"""What files and folders hold: their digest and their sizes."""

import hashlib
import json
import os
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from irislib.artifacts.files import told_in_one_line

# File managers and network file systems leave these anywhere; they say nothing about what lies beside them.
_FOREIGN = (".DS_Store", "._*", ".nfs*", ".fuse_hidden*", "Thumbs.db", "desktop.ini")


def digest(*parts: Any) -> str:
    """A short name for values and for the content of files and folders (given as `Path`).

    Raises ArtifactError where a file cannot be read.
    """
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            with told_in_one_line(part, "read"):
                for file in _files(part) if part.is_dir() else [part]:
                    if file.is_file():
                        sha.update(str(file.relative_to(part)).encode())
                        with file.open("rb") as stream:
                            sha.update(hashlib.file_digest(stream, "sha256").digest())
        else:
            sha.update(json.dumps(part, sort_keys=True).encode())
    return sha.hexdigest()[:16]


def file_sizes(root: Path) -> dict[str, int]:
    """Bytes of each file of a store, by its path in the store; without the metadata, which says the sizes."""
    files = (f for f in _files(root) if f.name != "zarr.json")
    return {f.relative_to(root).as_posix(): f.stat().st_size for f in files}


def compare_sizes(expected: dict[str, int], found: dict[str, int]) -> str:
    """What is wrong with the files of a store, in words; empty where nothing is.

    Args:
        expected: bytes of each file, when it was written.
        found: bytes of each file, now.
    """
    faults = {
        "missing": sorted(expected.keys() - found.keys()),
        "of another size": sorted(f for f in expected.keys() & found.keys() if expected[f] != found[f]),
        "not part of it": sorted(found.keys() - expected.keys()),
    }
    return "; ".join(f"{_some(files)} {fault}" for fault, files in faults.items() if files)


def _some(files: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return ", ".join(files[:3]) + more


def _files(root: Path) -> list[Path]:
    """The files below a folder in order of their paths, without foreign ones. Raises OSError."""

    def fail(error: OSError) -> None:
        raise error  # os.walk passes over a folder that it cannot read, and Path.rglob does

    files = (Path(folder) / name for folder, _, names in os.walk(root, onerror=fail) for name in names)
    return sorted(f for f in files if f.is_file() and not any(fnmatch(f.name, name) for name in _FOREIGN))
