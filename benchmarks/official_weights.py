"""Weights and inputs that the official code and irislib are compared on: the same on every machine.

Made by numpy alone, from uniform draws (no logarithm that differs between machines), each entry's from a
stream of its own name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from irislib.agent.config import ActorCriticConfig, AgentConfig, WorldModelConfig
from irislib.seeding import stream
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig

OFFICIAL = AgentConfig(
    frame=(64, 64),
    num_actions=17,
    tokenizer=IrisConfig(VectorQuantizerConfig("vq", 512, 512, 0), 512, 64, (1, 1, 1, 1, 1), 2, (8, 16)),
    world_model=WorldModelConfig(max_blocks=20, num_layers=10, num_heads=4, embed_dim=256, dropout=0.1),
    actor_critic=ActorCriticConfig(lstm_dim=512),
)

# Of the codes, half of the encoder outputs': a hundred codes are in use, the nearest by a clear margin.
CODE_SPREAD = 0.5

# Of layers in the decoder: its residual branches are small, so that their sum stays near 1 and with it what
# float32 rounds; so is its output, as frames are in [-1,1].
DECODER_GAIN = {"conv2": 0.1, "proj_out": 0.1, "conv_out": 0.4}

GAMMA, LAMBDA, ENTROPY_WEIGHT = 0.995, 0.95, 0.001

# Lengths in which the world model reads a sequence with its cache: an observation, then token by token.
PARTS = (16, *[1] * 70)


@dataclass(frozen=True)
class Inputs:
    """What the networks are given.

    Attributes:
        frames: u8 [16,64,64,3], with coarse and fine structure.
        tokens: int64 [2,340], sequences for the world model: observations' tokens and actions.
        rewards, values, ends: float32, float32, bool [4,20], of imagined steps.
        logits, actions: float32 [4,20,17], int64 [4,20], of the policy in them.
        mask, terminated: bool [2,20], of the steps in `tokens`: the second sequence ends early.
        pixels: int64 [256], the positions in a flattened frame that are kept of a reconstruction.
        codes: int64 [24], the codes whose logits are kept.
    """

    frames: np.ndarray
    tokens: np.ndarray
    rewards: np.ndarray
    values: np.ndarray
    ends: np.ndarray
    logits: np.ndarray
    actions: np.ndarray
    mask: np.ndarray
    terminated: np.ndarray
    pixels: np.ndarray
    codes: np.ndarray


def make_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Parameters float32, scaled so that activations stay near 1; none is the identity or zero."""
    return {name: _weight(name, shape) for name, shape in shapes.items()}


def make_inputs() -> Inputs:
    """See `Inputs`."""
    rng = stream(0, "official", "inputs")
    shades = np.zeros((16, 64, 64, 3))
    for side, share in ((4, 0.5), (16, 0.3), (64, 0.2)):
        shades += share * rng.random((16, side, side, 3)).repeat(64 // side, 1).repeat(64 // side, 2)
    size = OFFICIAL.tokens_per_block
    tokens = rng.integers(OFFICIAL.tokenizer.vocab_size, size=(2, OFFICIAL.world_model.max_blocks, size))
    tokens[..., -1] = rng.integers(OFFICIAL.num_actions, size=tokens.shape[:2])
    step = np.arange(OFFICIAL.world_model.max_blocks)
    return Inputs(
        frames=(shades * 256).astype(np.uint8),
        tokens=tokens.reshape(2, -1),
        rewards=rng.integers(-1, 2, size=(4, 20)).astype(np.float32),
        values=rng.random((4, 20), dtype=np.float32),
        ends=rng.random((4, 20)) < 0.2,
        logits=rng.random((4, 20, OFFICIAL.num_actions), dtype=np.float32) * 3,
        actions=rng.integers(OFFICIAL.num_actions, size=(4, 20)),
        mask=np.stack([step >= 0, step < 15]),
        terminated=np.stack([step < 0, step == 14]),
        pixels=rng.choice(64 * 64 * 3, size=256, replace=False),
        codes=rng.choice(OFFICIAL.tokenizer.vocab_size, size=24, replace=False),
    )


def _weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    unit = (stream(0, "official", name).random(shape, dtype=np.float32) * 2 - 1) * np.float32(np.sqrt(3))
    if "bias" in name:
        return unit * np.float32(0.1)
    if len(shape) == 1:  # of a normalisation
        return 1 + unit * np.float32(0.1)
    if name == "tokenizer.embedding.weight":
        return unit * np.float32(CODE_SPREAD)
    if "emb" in name:  # lookup tables
        return unit
    layer = name.split(".")[-2]
    gain = DECODER_GAIN.get(layer, 1.0) if name.startswith("tokenizer.decoder.") else 1.0
    return unit * np.float32(gain * np.sqrt(2 / np.prod(shape[1:])))
