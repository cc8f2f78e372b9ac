"""A digest of the code that a part of the study depends on.

Every cell depends on this one small file in place of a hundred source files, so dvc.lock stays small. An edit
of a comment, a docstring or the text of an error does not change the digest, and runs no cell again.
"""

from pathlib import Path

import click

from irislib.artifacts import digest, read_file, write_atomically
from irislib.sources import code_of
from stages.common import Command
from stages.deps import closure, main_module


def code_digest(module: str) -> str:
    """A digest of all our code that can change what `python -m module` computes. Raises ArtifactError."""
    files = [Path(file) for file in sorted(closure(main_module(module)))]
    texts = [read_file(file, "restore it").decode() for file in files]
    return digest([[file.as_posix(), code_of(text)] for file, text in zip(files, texts, strict=True)])


@click.command(cls=Command)
@click.option("--of", "module", required=True, help="The command, as in python -m MODULE.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File for the digest.")
def main(module: str, out: Path) -> None:
    """Writes the digest of the code of a command."""
    write_atomically(out, f"{code_digest(module)}\n".encode())


if __name__ == "__main__":
    main()
