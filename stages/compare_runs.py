"""Shows two runs side by side, in one HTML file."""

import subprocess
import tempfile
from pathlib import Path

import click
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import resolve_rev

from irislib.artifacts import write_atomically
from irislib.errors import ArtifactError, IrislibError
from irislib.report.runs.comparison import comparison_page
from irislib.report.runs.run import NEEDED, OPTIONAL, Run, read_run
from stages.common import Command, path_option

WORKSPACE = "workspace"  # DVC's word for the files as they are now


def read(name: str) -> Run:
    """The run that DVC, or the file system, knows by this name.

    Args:
        name: `workspace`; a folder with params.yaml and reports/; or a commit, branch, tag or experiment.

    Raises:
        IrislibError: nothing has this name.
        ArtifactError: the run lacks a file, or has it in another form than the present code writes.
    """
    if name == WORKSPACE or (Path(name) / "params.yaml").is_file():
        return read_run(name, Path("." if name == WORKSPACE else name))
    with tempfile.TemporaryDirectory() as folder:
        export(name, Path(folder))
        try:
            return read_run(name, Path(folder))
        except ArtifactError as error:
            # The folder means nothing to the user. Git writes a file of a revision like this.
            raise ArtifactError(f"{error}".replace(f"{folder}/", f"{name}:")) from None


def export(revision: str, folder: Path) -> None:
    """Copies the files that a comparison needs out of a revision, as far as git has them there.

    Raises:
        IrislibError: DVC and git know no such revision.
    """
    try:
        with Repo() as repo:
            commit = resolve_rev(repo.scm, revision)
    except DvcException:
        raise IrislibError(
            f"{revision}: no folder with params.yaml, and no revision or experiment; "
            "`git log` and `dvc exp show` list them"
        ) from None
    for name in (*NEEDED, *OPTIONAL):
        command = ["git", "show", f"{commit}:./{name}"]
        shown = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        if shown.returncode == 0:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(shown.stdout)


@click.command(cls=Command)
@click.argument("first")
@click.argument("second")
@path_option("out", "comparison.html", "The page.")
def main(first: str, second: str, out: Path) -> None:
    """Shows two runs side by side: parameters, numbers, findings, and codes matched by what they show.

    FIRST and SECOND are commits, branches, tags, experiments, folders with params.yaml and reports/, or
    "workspace", the files as they are now.
    """
    write_atomically(out, comparison_page(read(first), read(second)))
    click.echo(out)


if __name__ == "__main__":
    main()
