"""JSON files: always valid JSON, with no NaN, no infinity and no more digits than mean something."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from irislib.artifacts.files import write_atomically


def plain_json(value: Any) -> Any:
    """The value as JSON: floats to 6 significant digits, None where a number is not finite.

    Args:
        value: numbers (numpy's too), text, None, and dictionaries, lists and tuples of them.

    Raises:
        TypeError: something in it has no place in JSON.
    """
    if isinstance(value, dict):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    if isinstance(value, np.generic):
        return plain_json(value.item())
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"no JSON value: {type(value).__name__}")


def write_json(path: Path, value: Any) -> None:
    """Writes `plain_json(value)`, whole or not at all. Raises ArtifactError where it cannot be written."""
    text = json.dumps(plain_json(value), indent=2, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())
