"""Which device torch computes on, and the settings that make it repeat itself."""

import os

import torch

from irislib.errors import ParamError


def pick_device() -> torch.device:
    """IRISLIB_DEVICE (for example ``cpu`` or ``cuda:1``), else the first GPU, else the CPU.

    Also turns on torch's deterministic algorithms: the same machine must give the same bits.
    Raises ParamError where the variable names no device that is there.
    """
    # cuBLAS reads this when it starts; without it its reductions are free to differ.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Costs a tenth of the time, and nothing here reads memory that it has not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    name = os.environ.get("IRISLIB_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError):
        raise ParamError(f"IRISLIB_DEVICE: no device {name!r} on this machine; use cpu or unset it") from None
    return torch.device(name)
