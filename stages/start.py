"""Checks before a stage works, so that no mistake is found after hours of it.

All of params.yaml and the environment are checked, not only what this stage reads: the stages that follow
would find their mistakes late. Reading every section means importing nearly all of irislib, which takes
seconds and must not count as code of the stage: another process does it (`stages.check`), and only when
something changed.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from irislib.artifacts import check_writable
from irislib.errors import IrislibError, ParamError
from irislib.runtime import launched, workers

ROOT = Path(__file__).parent.parent
CHECKED = Path(".work/checked")
VARIABLES = ("IRISLIB_DEVICE", "PET_", "CUDA_VISIBLE_DEVICES")


def check_start(params: Path, written: Iterable[Path]) -> None:
    """Checks the parameters, the environment, and that the stage will be able to write its results.

    Args:
        written: paths that the stage writes.

    Raises:
        ParamError: a parameter or a variable of the environment is impossible.
        ArtifactError: a path cannot be written.
    """
    if launched():
        return  # the launcher has checked
    workers()
    for path in written:
        check_writable(path)
        if path.is_dir():
            check_writable(path / "a file")
    digest = digest_of_inputs(params)
    try:
        if CHECKED.read_text() == digest:
            return
    except OSError:
        pass  # not checked yet
    check_in_another_process(params)
    try:
        CHECKED.parent.mkdir(parents=True, exist_ok=True)
        CHECKED.write_text(digest)
    except OSError:
        pass  # it only saves time


def digest_of_inputs(params: Path) -> str:
    """A digest of everything that the check depends on: parameters, code and environment."""
    files = [params, *(f for name in ("irislib", "stages") for f in sorted((ROOT / name).rglob("*.py")))]
    files += sorted(Path("data/init").glob("*.dvc")) + sorted(Path("data/init").glob("*/config.json"))
    sha = hashlib.sha256(sys.version.encode())
    for file in files:
        sha.update(f"\0{file}\0".encode())
        if file.is_file():
            sha.update(file.read_bytes())
    for name in sorted(os.environ):
        if name.startswith(VARIABLES):
            sha.update(f"\0{name}={os.environ[name]}".encode())
    return sha.hexdigest()


def check_in_another_process(params: Path) -> None:
    """Runs `stages.check`. Raises ParamError with its line, or IrislibError with all that it printed."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "stages.check", "--params", str(params)],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        if lines:
            raise ParamError(lines[0].removeprefix("error: "))
        raise IrislibError(f"the check of the parameters failed:\n{done.stderr}")
