"""`make venv`: the Python that is needed, and a .venv of another one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the Makefile alone."""
    shutil.copy(REPO / "Makefile", tmp_path)
    return tmp_path


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def python_of(version: tuple[int, int], path: Path) -> Path:
    """A Python that says that it is of this version."""
    fake = f"import sys; sys.version_info = {(*version, 0)}; exec(sys.argv[2])"
    return script(path, f'exec {sys.executable} -c "{fake}" "$@"')


def make_venv(folder: Path, python: Path) -> "subprocess.CompletedProcess[str]":
    command = ["make", "--silent", "venv", f"PYTHON={python}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("version", [(3, 10), (2, 7)])
def test_an_old_python_is_one_line(folder: Path, version: tuple[int, int]) -> None:
    old = python_of(version, folder / "old")
    done = make_venv(folder, old)
    assert done.returncode != 0
    first, *_ = done.stderr.splitlines()
    number = ".".join(map(str, version))
    assert first.startswith(f"error: {old}: Python 3.11 or newer is needed, not {number}; install it")


def test_no_python_is_one_line(folder: Path) -> None:
    done = make_venv(folder, folder / "none")
    assert done.returncode != 0
    assert done.stderr.startswith(f"error: {folder}/none: Python 3.11 or newer is needed; install it")


def test_a_venv_of_another_python_is_made_anew(folder: Path) -> None:
    wanted = python_of((3, 12), folder / "wanted")
    python_of((3, 12), folder / ".venv/bin/python")
    assert make_venv(folder, wanted).stdout == ""
    assert (folder / ".venv").exists()
    python_of((3, 11), folder / ".venv/bin/python")
    assert make_venv(folder, wanted).stdout == ".venv: made anew with Python 3.12\n"
    assert not (folder / ".venv").exists()
