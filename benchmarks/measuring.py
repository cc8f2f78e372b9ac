"""What a command costs: seconds, work of processors, and memory, of all its processes together."""

import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from irislib.errors import IrislibError

PROC = Path("/proc")  # Linux
INTERVAL = 0.5  # seconds between two looks


@dataclass(frozen=True)
class Cost:
    """Of a command, all its processes together.

    Attributes:
        seconds: from start to end.
        busy: processor seconds; on a machine with other work, what the command itself asks for.
        memory: the highest seen, MiB.
    """

    seconds: float
    busy: float
    memory: float


def measure(command: list[str], log: Path) -> Cost:
    """Runs a command to its end.

    Memory is the sum over the processes of the session that it leads, pages that several share counted
    once (PSS), looked at a few times a second; never less than the largest of them ever held (VmHWM), so
    that a short peak of one process is not missed. Zero where there is no /proc.

    Args:
        command: program and arguments.
        log: receives what it prints.

    Raises:
        IrislibError: it failed; with the last line that it printed.
    """
    start, worked, highest = time.perf_counter(), _worked(), 0.0
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True) as process,
    ):
        try:
            while process.poll() is None:
                highest = max(highest, _occupied(process.pid))
                time.sleep(INTERVAL)
        except BaseException:
            process.kill()
            raise
    seconds = time.perf_counter() - start
    if process.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise IrislibError(f"{' '.join(command)}: exit code {process.returncode}; {' '.join(last)}")
    return Cost(seconds, _worked() - worked, highest)


def _worked() -> float:
    """Processor seconds of the children that have ended so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _occupied(session: int) -> float:
    """MiB that the processes of a session hold now, or the largest of them ever held, if that is more."""
    held, ever = 0, 0
    for folder in PROC.glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == session:
                held += _kilobytes(folder / "smaps_rollup", "Pss:")
                ever = max(ever, _kilobytes(folder / "status", "VmHWM:"))
        except OSError:  # gone by now
            continue
    return max(held, ever) / 1024


def _kilobytes(file: Path, field: str) -> int:
    return sum(int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(field))
