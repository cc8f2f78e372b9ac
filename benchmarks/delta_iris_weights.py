"""Weights and inputs that the official Δ-IRIS and irislib are compared on: the same on every machine.

Made by numpy alone, each entry's from a stream of its own name; see `official_weights`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from irislib.seeding import stream

ACTIONS, CODES, TOKENS = 17, 1024, 4

# Lengths in which the world model reads a sequence with its cache: three whole steps, a frame and an action
# with the first token of the next, then token by token.
PARTS = (18, 3, 1, 1, 1, 2)

# Residual branches are small, so that their sum stays near 1 and with it what float32 rounds; so is the
# decoder's output, as frames are in [0,1].
GAIN = {"f.5.weight": 0.3, "decoder.decoder.11.weight": 0.2}


@dataclass(frozen=True)
class Inputs:
    """What the networks are given: two sequences of eight steps.

    Attributes:
        frames: u8 [2,8,64,64,3], with coarse and fine structure; a frame resembles the one before.
        actions: int64 [2,8].
        tokens: int64 [2,8,4], codes for the world model.
        rewards: float32 [2,8].
        ends: bool [2,8].
        pixels: int64 [256], the positions in a flattened frame that are kept of a reconstruction.
        codes: int64 [24], the codes whose logits are kept.
    """

    frames: np.ndarray
    actions: np.ndarray
    tokens: np.ndarray
    rewards: np.ndarray
    ends: np.ndarray
    pixels: np.ndarray
    codes: np.ndarray


def make_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Parameters and the codebook float32, scaled so that activations stay near 1; none is zero."""
    return {name: _weight(name, shape) for name, shape in shapes.items()}


def make_inputs() -> Inputs:
    """See `Inputs`."""
    rng = stream(0, "delta iris", "inputs")
    shades = np.zeros((16, 64, 64, 3))
    for side, share in ((4, 0.5), (16, 0.3), (64, 0.2)):
        shades += share * rng.random((16, side, side, 3)).repeat(64 // side, 1).repeat(64 // side, 2)
    still = shades.reshape(2, 8, 64, 64, 3)[:, :1]
    frames = 0.4 * still + 0.6 * shades.reshape(2, 8, 64, 64, 3)
    return Inputs(
        frames=(frames * 256).astype(np.uint8),
        actions=rng.integers(ACTIONS, size=(2, 8)),
        tokens=rng.integers(CODES, size=(2, 8, TOKENS)),
        rewards=np.round(rng.normal(0, 2, (2, 8)), 1).astype(np.float32),
        ends=np.arange(8) == np.array([[7], [8]]),
        pixels=rng.choice(64 * 64 * 3, size=256, replace=False),
        codes=rng.choice(CODES, size=24, replace=False),
    )


def _weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    unit = (stream(0, "delta iris", name).random(shape, dtype=np.float32) * 2 - 1) * np.float32(np.sqrt(3))
    if name.endswith("codebook"):
        normalised: np.ndarray = unit / np.linalg.norm(unit, axis=1, keepdims=True)
        return normalised
    if "bias" in name:
        return unit * np.float32(0.1)
    if len(shape) == 1:  # of a normalisation
        return 1 + unit * np.float32(0.1)
    if "emb" in name:  # lookup tables
        return unit
    gain = next((gain for end, gain in GAIN.items() if name.endswith(end)), 1.0)
    return unit * np.float32(gain * np.sqrt(2 / np.prod(shape[1:])))
