"""Independent random streams from one seed, by name, so that no order of work changes a draw."""

import hashlib

import numpy as np


def stream_seed(seed: int, *names: str | int) -> int:
    """A 31-bit seed for the stream that `names` point to: the same for the same names, else unrelated."""
    text = "/".join(map(str, (seed, *names))).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "little") >> 1


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator for that stream."""
    return np.random.default_rng(stream_seed(seed, *names))
