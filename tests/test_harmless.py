"""Edits of comments, docstrings and messages run no stage again; edits of code do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.harmless import accept_harmless

SOURCE = '''"""What it computes."""


def double(x: int) -> int:
    """Twice x."""
    if x < 0:
        raise ValueError("negative")
    return 2 * x  # not a sum
'''


def call(root: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dvc(root: Path, *command: str) -> str:
    return call(root, sys.executable, "-m", "dvc", *command)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two stages that were run, and committed with their lock."""
    root = tmp_path_factory.mktemp("template") / "project"
    (root / "code").mkdir(parents=True)
    call(root, "git", "init", "--quiet")
    dvc(root, "init", "--quiet")
    (root / "code/a.py").write_text(SOURCE)
    (root / "dvc.yaml").write_text(
        "stages:\n  one:\n    cmd: echo run > out\n    deps: [code/a.py]\n    outs: [out]\n"
        "  two:\n    cmd: echo run > out2\n    deps: [code/a.py, out]\n    outs: [out2]\n"
    )
    dvc(root, "repro", "--quiet")
    call(root, "git", "add", ".")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    call(root, "git", *identity, "commit", "--quiet", "-m", "run")
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return shutil.copytree(template, tmp_path / "project")


HARMLESS = (
    ("# not a sum", "# nor a product"),
    ("Twice x.", "Two times x."),
    ('"negative"', '"x: must not be negative; use 0"'),
    ("\n\n\ndef", "\n\ndef"),
)


@pytest.mark.parametrize(("old", "new"), HARMLESS)
def test_harmless_edits_are_accepted(project: Path, old: str, new: str) -> None:
    assert old in SOURCE
    (project / "code/a.py").write_text(SOURCE.replace(old, new))
    assert accept_harmless(project / "dvc.lock") == ["code/a.py"]
    assert accept_harmless(project / "dvc.lock") == []


def test_for_dvc_an_accepted_edit_changed_nothing(project: Path) -> None:
    edited = SOURCE
    for old, new in HARMLESS:
        edited = edited.replace(old, new)
    (project / "code/a.py").write_text(edited)
    assert "code/a.py" in dvc(project, "status")  # DVC alone would run both stages
    assert accept_harmless(project / "dvc.lock") == ["code/a.py"]
    assert dvc(project, "status").strip() == "Data and pipelines are up to date."


@pytest.mark.parametrize(
    ("old", "new"), [("2 * x", "3 * x"), ("x < 0", "x < 1"), ("ValueError", "TypeError")]
)
def test_edits_of_code_are_not(project: Path, old: str, new: str) -> None:
    (project / "code/a.py").write_text(SOURCE.replace(old, new))
    lock = (project / "dvc.lock").read_text()
    assert accept_harmless(project / "dvc.lock") == []
    assert (project / "dvc.lock").read_text() == lock


def test_a_harmless_edit_does_not_hide_another(project: Path) -> None:
    """One file harmlessly edited, data changed as well: the stage that reads the data still runs."""
    (project / "code/a.py").write_text(SOURCE.replace("# not a sum", ""))
    (project / "out").write_text("another")
    assert accept_harmless(project / "dvc.lock") == ["code/a.py"]
    status = dvc(project, "status")
    assert "out" in status and "code/a.py" not in status


def test_what_git_does_not_know_is_run_again(project: Path) -> None:
    (project / "code/a.py").write_text(SOURCE.replace("2 * x", "4 * x"))
    dvc(project, "repro", "--quiet")  # dvc.lock is of a version that was never committed
    (project / "code/a.py").write_text(SOURCE.replace("2 * x", "4 * x") + "# more\n")
    assert accept_harmless(project / "dvc.lock") == []


def test_the_lock_of_this_project_is_written_as_dvc_writes_it(tmp_path: Path) -> None:
    """An accepted edit changes two lines an entry, and no other line."""
    root = Path(__file__).parent.parent
    text = (root / "dvc.lock").read_text()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 4096
    with (tmp_path / "dvc.lock").open("w") as file:
        yaml.dump(yaml.load(text), file)
    assert (tmp_path / "dvc.lock").read_text() == text
