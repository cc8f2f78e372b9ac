"""Tells DVC of edits that cannot change a result, so that they run no stage again. `make repro` runs this.

DVC compares the bytes of a source file with the checksum in dvc.lock. A comment, a docstring or the text of
an error changes the bytes, but no result. Where git knows the file with the old checksum, both versions are
compared without these (`irislib.sources`), and where nothing else differs dvc.lock gets the new checksum.
"""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
from ruamel.yaml import YAML

from irislib.sources import code_of
from stages.common import Command, path_option

VERSIONS = 100  # of a file, in which the one of dvc.lock is looked for, newest first


def accept_harmless(lock: Path) -> list[str]:
    """Writes the checksums of harmlessly edited source files into dvc.lock.

    Args:
        lock: the file dvc.lock; the paths in it are relative to its folder.

    Returns:
        The files, sorted. A file whose old version git does not have is never among them.
    """
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 4096
    content = yaml.load(lock)
    stages = (content or {}).get("stages", {}).values()
    deps = [
        dep
        for stage in stages
        for dep in stage.get("deps", [])
        if dep["path"].endswith(".py") and "md5" in dep
    ]
    accepted = set()
    for path in {dep["path"] for dep in deps}:
        file = lock.parent / path
        if not file.is_file():
            continue
        now = file.read_bytes()
        checksum = hashlib.md5(now).hexdigest()
        known = {dep["md5"] for dep in deps if dep["path"] == path} - {checksum}
        for was, old in _versions(file, known):
            if _same_code(old, now):
                accepted.add(path)
                for dep in deps:
                    if dep["path"] == path and dep["md5"] == was:
                        dep.update(md5=checksum, size=len(now))
    if accepted:
        yaml.dump(content, lock)
    return sorted(accepted)


def _versions(file: Path, checksums: set[str]) -> Iterator[tuple[str, bytes]]:
    """The checksum and the content of each version of a file with these checksums that git has."""
    if not checksums:
        return
    commits = _git(file.parent, "log", f"-{VERSIONS}", "--format=%H", "--", file.name).decode().split()
    for commit in commits:
        content = _git(file.parent, "show", f"{commit}:./{file.name}")
        if (found := hashlib.md5(content).hexdigest()) in checksums:
            yield found, content
            checksums = checksums - {found}
        if not checksums:
            return


def _git(folder: Path, *command: str) -> bytes:
    """What git prints; nothing where it fails, for example outside a repository."""
    return subprocess.run(["git", *command], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True).stdout


def _same_code(first: bytes, second: bytes) -> bool:
    try:
        return code_of(first.decode()) == code_of(second.decode())
    except (SyntaxError, ValueError):
        return False


@click.command(cls=Command)
@path_option("lock", "dvc.lock", "What DVC knows of the last run.")
def main(lock: Path) -> None:
    """Accepts edits of comments, docstrings and texts of errors: `dvc repro` runs no stage for them."""
    if lock.is_file():
        for path in accept_harmless(lock):
            click.echo(f"{path}: edited, but not in what can change a result; no stage runs again for it")


if __name__ == "__main__":
    main()
