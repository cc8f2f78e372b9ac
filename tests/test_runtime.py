"""Where and how things run: without a terminal, without stderr, without a place for numba's cache."""

import ctypes
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parent.parent


def python(code: str, closed: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
    """Runs code in a new process, with some of its streams closed by the shell."""
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code],
        cwd=REPO,
        env=os.environ | {"PYTHONPATH": str(REPO)} | env,
        capture_output=True,
        text=True,
    )


def test_without_stderr_there_is_no_bar() -> None:
    code = (
        "from irislib.runtime import progress\n"
        "with progress(desc='a', total=3) as bar:\n"
        "    bar.set_postfix(loss=1.0); bar.update(3)\n"
        "print(sum(progress(range(4), desc='b')))\n"
    )
    done = python(code, "2>&-")
    assert (done.returncode, done.stdout) == (0, "6\n")


def test_workers_run_without_stderr(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from irislib.shards import Shards, compute_shards\n"
        "import sys; sys.path.append('tests'); import test_shards\n"
        f"shards = Shards('number', 11, 3, Path({str(tmp_path)!r}) / 'work')\n"
        f"log = Path({str(tmp_path)!r}) / 'log'\n"
        "shards.folder.mkdir(); log.mkdir()\n"
        "compute_shards(shards, list(shards), 2, 'w', test_shards.note_squares, log)\n"
        "print(sum(int(s['square'].sum()) for s in shards.results()))\n"
    )
    done = python(code, "2>&-", PYTHONPATH=os.pathsep.join((str(REPO), str(REPO / "tests"))))
    assert (done.returncode, done.stdout) == (0, "385\n")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc's malloc is not used here")
def test_memory_is_kept_between_large_blocks() -> None:
    """A process gets large blocks again without asking the system for their pages."""
    code = (
        "import resource\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "def use(): [bytearray(8 * 2**20) for _ in range(4)]\n"
        "use(); before = faults()\n"
        "for _ in range(10): use()\n"
        "print(faults() - before)\n"
    )
    pages = 10 * 4 * 8 * 2**20 // resource.getpagesize()
    assert int(python("import irislib\n" + code).stdout) < pages / 10 < int(python(code).stdout)


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "import os, subprocess; from irislib.runtime import occupy_standard_streams\n"
        "occupy_standard_streams()\n"
        f"file = open({str(tmp_path / 'artifact')!r}, 'w')\n"
        "subprocess.run(['sh', '-c', 'echo noise; echo noise >&2'], pass_fds=[file.fileno()])\n"
    )
    assert python(code, ">&- 2>&-").returncode == 0
    assert (tmp_path / "artifact").read_text() == ""


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_command_has_standard_streams(closed: str, tmp_path: Path) -> None:
    code = (
        "import os; from stages.common import Command\n"
        "def work():\n"
        f"    file = open({str(tmp_path / 'artifact')!r}, 'w')\n"
        "    assert file.fileno() > 2\n"
        "    file.write('whole')\n"
        "Command('work', callback=work).main([])\n"
    )
    assert python(code, closed).returncode == 0
    assert (tmp_path / "artifact").read_text() == "whole"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with a copy of the package that numba compiles; nobody, not even root, can write beside it."""
    spec = importlib.util.find_spec("opensimplex")
    assert spec is not None and spec.origin is not None
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(spec.origin).parent, tmp_path / "site/opensimplex", ignore=ignore)
    (tmp_path / "site/opensimplex/__pycache__").write_text("")  # a file where the folder would be
    return tmp_path / "site"


def compiled(installed: Path, home: Path, temporary: Path) -> str:
    """Where a process that imports Crafter keeps what numba compiles."""
    temporary.mkdir(exist_ok=True)
    code = (
        "import irislib.worlds.crafter, numba, opensimplex\n"
        f"assert opensimplex.__file__.startswith({str(installed)!r})\n"
        "print(numba.config.CACHE_DIR)"
    )
    path = os.pathsep.join((str(installed), str(REPO)))
    done = python(code, PYTHONPATH=path, HOME=str(home), XDG_CACHE_HOME="", TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_numba_compiles_where_neither_the_installation_nor_home_can_be_written(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    cache = compiled(installed, tmp_path / "file/home", tmp_path / "temporary")
    assert Path(cache).parent == tmp_path / "temporary"
    assert list((tmp_path / "temporary").iterdir()) == []  # gone with the process


def test_numba_keeps_what_it_compiles_at_home_where_it_can(installed: Path, tmp_path: Path) -> None:
    cache = compiled(installed, tmp_path / "home", tmp_path / "temporary")
    assert Path(cache) == tmp_path / "home/.cache/irislib-numba"
