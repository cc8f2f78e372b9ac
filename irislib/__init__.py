"""Do the discrete codes of a world model mean anything? Train IRIS, map its codes, measure them."""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from irislib.tokenizers.load import load_tokenizer

# Read by torch when it is loaded, so they are set before anything of ours can load it. Whoever sets one keeps it.
# Threads that wait for each other sleep: beside other work, spinning made a step 14 times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["load_tokenizer"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: `import irislib` alone loads no torch, and no stage depends on all of it.
    if name == "load_tokenizer":
        return importlib.import_module("irislib.tokenizers.load").load_tokenizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
