"""Do the discrete codes of a world model mean anything? Train IRIS, map its codes, measure them."""

import ctypes
import importlib
import os
import platform
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from irislib.tokenizers.load import load_tokenizer

# Torch's libraries read these when they are loaded, so they are set before torch is. A variable that is set
# already keeps its value.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait slow others down
if platform.machine() in ("x86_64", "AMD64"):
    # The same arithmetic on every processor with AVX2, of Intel or AMD; `irislib.bits` compares two.
    os.environ.setdefault("ATEN_CPU_CAPABILITY", "avx2")
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
    os.environ.setdefault("MKL_CBWR", "COMPATIBLE")

if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
    # Left alone, glibc's malloc returns large blocks to the system and asks for their pages again: a third of
    # the time of decoding many grids. The names and numbers of these options are those of malloc.h.
    M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
    libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
    libc.mallopt(M_TRIM_THRESHOLD, 128 * 2**20)

__all__ = ["load_tokenizer"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: `import irislib` alone loads no torch, and no stage depends on all of it.
    if name == "load_tokenizer":
        return importlib.import_module("irislib.tokenizers.load").load_tokenizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
