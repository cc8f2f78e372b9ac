"""A test file run as a script, in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path


def printed_by_two(file: str) -> set[str]:
    """What the file prints in two processes at once, whose strings have other hashes."""
    root = str(Path(__file__).parents[1])
    others = [
        subprocess.Popen(
            [sys.executable, file],
            env={**os.environ, "PYTHONPATH": root, "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for hash_seed in ("1", "2")
    ]
    return {other.communicate()[0].strip() for other in others}
