"""Which device torch computes on, and the settings that make it repeat itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from irislib.errors import ParamError
from irislib.runtime import local_rank


def pick_device() -> torch.device:
    """IRISLIB_DEVICE (for example ``cpu`` or ``cuda:1``), else the first GPU, else the CPU.

    Among processes of a launcher each has a GPU of its own. Also turns on torch's deterministic algorithms:
    the same machine must give the same bits. Raises ParamError where there is no such device.
    """
    # cuBLAS reads this when it starts; without it its reductions are free to differ.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The same as torch.use_deterministic_algorithms(True), which takes two seconds to import a compiler.
    torch.set_deterministic_debug_mode("error")
    # Costs a tenth of the time, and nothing here reads memory that it has not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    name = os.environ.get("IRISLIB_DEVICE")
    if not name:
        name = f"cuda:{local_rank()}" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name).cpu()  # the device "meta" has shapes, but no numbers
    except (RuntimeError, AssertionError, NotImplementedError):
        raise ParamError(
            f"IRISLIB_DEVICE: no device {name!r} on this machine; use cpu, or unset it and start at most one "
            "process a GPU"
        ) from None
    return torch.device(name)


@contextmanager
def one_thread() -> Iterator[None]:
    """Lets torch's CPU kernels use one thread: sums over several differ with their number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
