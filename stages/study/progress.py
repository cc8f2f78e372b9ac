"""Says how many cells of the study are done, and how long the others take."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from irislib.artifacts import write_atomically
from irislib.study.progress import describe_progress, seconds_left
from stages.common import Command, work_option
from stages.study.cells import finished_cells, listed_cells


def times(work: Path) -> dict[str, list[float]]:
    """Seconds that cells took on this machine, by arm: to train, and to measure."""
    cells: dict[tuple[str, int], float] = {}
    for file in sorted((work / "study-times").glob("*.json")):
        arm, seed, seconds = json.loads(file.read_text())
        cells[arm, seed] = cells.get((arm, seed), 0) + seconds
    seen: dict[str, list[float]] = {}
    for (arm, _), seconds in cells.items():
        seen.setdefault(arm, []).append(seconds)
    return seen


def progress_line(work: Path) -> str:
    """How far the study is, in words."""
    cells, done = listed_cells(), finished_cells()
    left = seconds_left([cell.arm for cell in cells if cell not in done], times(work))
    return describe_progress(len(done), len(cells), left)


@contextmanager
def timed(part: str, arm: str, seed: int, work: Path) -> Iterator[None]:
    """Under DVC, says how far the study is; and keeps how long a part of a cell took, inside the block."""
    if "DVC_STAGE" in os.environ:
        click.echo(f"study: {progress_line(work)}", err=True)
    start = time.monotonic()
    yield
    (work / "study-times").mkdir(parents=True, exist_ok=True)
    content = json.dumps([arm, seed, round(time.monotonic() - start, 1)])
    write_atomically(work / "study-times" / f"{part}-{arm}-{seed}.json", content.encode())


@click.command(cls=Command)
@work_option
def main(work: Path) -> None:
    """Says how many cells of the study are done, and how long the others take."""
    click.echo(progress_line(work))


if __name__ == "__main__":
    main()
