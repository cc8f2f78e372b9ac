"""Do the discrete codes of a world model mean anything? Train IRIS, map its codes, measure them."""

import importlib
import os
import platform
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from irislib.tokenizers.load import load_tokenizer

# Torch's libraries read these when they are loaded, so they are set before torch is. A variable that is set
# already keeps its value.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait slow others down
# glibc reads these when a process starts, so they count for workers and ranks. Left alone, malloc returns
# large blocks to the system and asks for their pages again: a third of the time of decoding many grids.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(32 * 2**20))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(128 * 2**20))
if platform.machine() in ("x86_64", "AMD64"):
    # The same arithmetic on every processor with AVX2, of Intel or AMD; `irislib.bits` compares two.
    os.environ.setdefault("ATEN_CPU_CAPABILITY", "avx2")
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
    os.environ.setdefault("MKL_CBWR", "COMPATIBLE")

__all__ = ["load_tokenizer"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: `import irislib` alone loads no torch, and no stage depends on all of it.
    if name == "load_tokenizer":
        return importlib.import_module("irislib.tokenizers.load").load_tokenizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
