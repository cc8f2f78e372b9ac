"""Checks the bundled remote, and lets DVC find it from everywhere. `make setup` runs this.

DVC resolves the remote's relative address against the root of the file system when it reads the
configuration from a commit, as `dvc exp push` does. An absolute address in .dvc/config.local, which git
ignores, is the same from everywhere.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

import click

from irislib.errors import ArtifactError
from stages.common import Command, path_option


def check_objects(remote: Path) -> int:
    """Compares every object with the MD5 sum that is its name, and returns how many there are.

    Raises:
        ArtifactError: one is damaged.
    """
    objects = [file for file in sorted((remote / "files/md5").glob("*/*")) if not file.name.startswith(".")]
    for file in objects:
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "md5").hexdigest()
        if found != (file.parent.name + file.name).removesuffix(".dir"):
            raise ArtifactError(f"{file}: damaged; get it back by `git checkout -- {remote}`")
    return len(objects)


def set_address(remote: Path) -> None:
    """Writes the absolute address into .dvc/config.local, unless it is there."""
    local, address = Path(".dvc/config.local"), str(remote.resolve())
    if local.exists() and address in local.read_text():
        return
    command = ["remote", "modify", "--local", "bundled", "url", address]
    subprocess.run([sys.executable, "-m", "dvc", *command], stdin=subprocess.DEVNULL, check=True)


@click.command(cls=Command)
@path_option("remote", "data/remote", "Folder of the bundled remote.")
def main(remote: Path) -> None:
    """Checks every object of the bundled remote, and sets its address for this clone."""
    check_objects(remote)
    set_address(remote)


if __name__ == "__main__":
    main()
