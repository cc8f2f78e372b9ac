"""Runs stages and functions in several processes that form a group, as a user would start them."""

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from irislib import ranks
from stages.elastic import ElasticStage

REPO = Path(__file__).parent.parent


def run_stage(module: str, *options: str, processes: int = 2, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m module` with these options in a group of processes on this host; `env` is added."""
    return subprocess.run(
        [sys.executable, "-m", module, *options],
        cwd=REPO,
        env=environment(processes) | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def environment(processes: int) -> dict[str, str]:
    """What makes a stage start that many of itself."""
    paths = (str(REPO), str(Path(__file__).parent))
    return os.environ | {
        "PET_NPROC_PER_NODE": str(processes),
        "PYTHONPATH": os.pathsep.join(paths),
        "IRISLIB_DEVICE": "cpu",
        "IRISLIB_WORKERS": "1",
        "OMP_NUM_THREADS": "1",
    }


def together(function: Callable[..., Any], *args: Any, processes: int = 2) -> list[Any]:
    """Calls a test module's function in every process of a group; what it returns, by rank.

    Function, arguments and results must be picklable; AssertionError where a process fails.
    """
    with TemporaryDirectory() as folder:
        name = f"{function.__module__}:{function.__qualname__}"
        call = Path(folder) / "call"
        call.write_bytes(pickle.dumps((name, args)))
        done = run_stage("together", str(call), processes=processes)
        assert done.returncode == 0, done.stderr
        return [pickle.loads(call.with_name(f"result-{rank}").read_bytes()) for rank in range(processes)]


class Group(ElasticStage):
    """Starts its processes as a stage does; it has no parameters that could be checked first."""

    def prepare(self, ctx: click.Context) -> None:
        """Nothing to check."""


@click.command(cls=Group)
@click.argument("call", type=click.Path(path_type=Path))
def main(call: Path) -> None:
    """Does what CALL, a file of `together`, says."""
    name, args = pickle.loads(call.read_bytes())
    module, _, function = name.partition(":")
    result = getattr(importlib.import_module(module), function)(*args)
    call.with_name(f"result-{ranks.rank()}").write_bytes(pickle.dumps(result))


if __name__ == "__main__":
    main()
