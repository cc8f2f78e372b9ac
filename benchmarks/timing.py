"""How long things take beside each other, on one device in one process."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch

from irislib.runtime import cores, progress


def time_in_turn(
    runs: Mapping[str, Callable[[], float]],
    rounds: int,
    device: torch.device,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, np.ndarray]:
    """Seconds a unit of work, float [rounds], by name.

    The contestants take turns, so that what else the machine does meets all of them; a first turn of each
    warms up and is not counted.

    Args:
        runs: each does its work and returns how many units it was.
        clock: seconds; by default those on the wall.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in progress(range(rounds + 1), desc=", ".join(runs), unit="round"):
        for name, run in runs.items():
            synchronize(device)
            start = clock()
            units = run()
            synchronize(device)
            if number > 0:
                seconds[name].append((clock() - start) / units)
    return {name: np.array(values) for name, values in seconds.items()}


def synchronize(device: torch.device) -> None:
    """Waits for what a GPU still has to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def ratio(baseline: np.ndarray, other: np.ndarray) -> str:
    """How many times faster than the baseline: the median over the rounds, and the range."""
    times = baseline / other
    return f"{np.median(times):.2f} ({times.min():.2f} to {times.max():.2f})"


def describe_machine(device: torch.device) -> str:
    """What the numbers depend on, in a line."""
    about = torch.cpu.get_capabilities()
    special = [name for name in ("avx512_bf16", "amx_bf16") if about.get(name)]
    parts = [
        f"{about.get('cpu_name', 'CPU')} with {' and '.join(special) or 'no bfloat16 arithmetic'}",
        f"{cores()} core{'s' * (cores() > 1)} and {torch.get_num_threads()} torch thread(s) in use",
        f"on {torch.cuda.get_device_name(device)}" if device.type == "cuda" else "no GPU in use",
        f"torch {torch.__version__}",
    ]
    return "; ".join(parts)
