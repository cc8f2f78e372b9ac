"""What a command costs: seconds, and the memory of all its processes together."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from irislib.errors import IrislibError

PROC = Path("/proc")  # Linux
INTERVAL = 0.2  # seconds between two looks


@dataclass(frozen=True)
class Cost:
    """Of a command: seconds from start to end, and the highest memory seen, MiB."""

    seconds: float
    memory: float


def measure(command: list[str], log: Path) -> Cost:
    """Runs a command to its end.

    Memory is the sum over the processes of the session that it leads, pages that several share counted
    once (PSS), looked at a few times a second; never less than the kernel's own record of the largest of
    its processes, which misses no short peak.

    Args:
        log: receives what it prints.

    Raises:
        IrislibError: it failed; with the last line that it printed.
    """
    start, highest = time.perf_counter(), 0.0
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            highest = max(highest, _occupied(process.pid))
            time.sleep(INTERVAL)
    except BaseException:
        process.kill()
        process.wait()
        raise
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise IrislibError(f"{' '.join(command)}: exit code {process.returncode}; {' '.join(last)}")
    return Cost(seconds, max(highest, usage.ru_maxrss / 1024))


def _occupied(session: int) -> float:
    """Memory of the processes of a session, MiB; of those that are gone by now, none."""
    kilobytes = 0
    for folder in PROC.iterdir():
        try:
            if folder.name.isdecimal() and os.getsid(int(folder.name)) == session:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, PermissionError):
            continue
    return kilobytes / 1024
