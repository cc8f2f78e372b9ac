"""Do the discrete codes of a world model mean anything? Train IRIS, map its codes, measure them."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from irislib.tokenizers.load import load_tokenizer

__all__ = ["load_tokenizer"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: `import irislib` alone loads no torch, and no stage depends on all of it.
    if name == "load_tokenizer":
        return importlib.import_module("irislib.tokenizers.load").load_tokenizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
