"""A tiny agent's shapes and training, for tests."""

import torch

from irislib.agent import Agent
from irislib.agent.config import (
    ActorCriticConfig,
    AgentConfig,
    CollectConfig,
    FitActorCriticConfig,
    FitConfig,
    FitsConfig,
    FitWorldModelConfig,
    TrainConfig,
    WorldModelConfig,
)
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.tokenizers.quantizers.config import (
    CosineQuantizerConfig,
    EMAQuantizerConfig,
    FSQConfig,
    LFQConfig,
    QuantizerConfig,
    SimVQConfig,
)
from irislib.worlds.crafter.game import CrafterConfig

TOKENIZER = IrisConfig(VectorQuantizerConfig("vq", 32, 8, 3), 8, 4, (1, 1, 2, 2, 2), 1, (8,))
CONFIG = AgentConfig(
    frame=(64, 64),
    num_actions=17,
    tokenizer=TOKENIZER,
    world_model=WorldModelConfig(max_blocks=3, num_layers=2, num_heads=2, embed_dim=16, dropout=0.1),
    actor_critic=ActorCriticConfig(lstm_dim=8),
)

# Three epochs of a tiny agent: every component learns, and codes are revived.
TRAIN = TrainConfig(
    epochs=3,
    precision="float32",
    snapshots=(),
    collect=CollectConfig(lanes=2, steps_per_epoch=40, stop_after_epochs=2, epsilon=0.1, temperature=1.0),
    tokenizer=CONFIG.tokenizer,
    world_model=CONFIG.world_model,
    actor_critic=CONFIG.actor_critic,
    fit=FitsConfig(
        FitConfig(0, 6, 4, 0.001, 10.0),
        FitWorldModelConfig(0, 4, 4, 0.001, 10.0, weight_decay=0.01),
        FitActorCriticConfig(
            1,
            3,
            4,
            0.001,
            10.0,
            horizon=3,
            burn_in=2,
            gamma=0.9,
            lambda_=0.9,
            entropy_weight=0.01,
            past_end=True,
        ),
    ),
)
ENV = CrafterConfig(frame_size=64, length=30)

# One of each kind, with 32 codes.
QUANTIZERS: dict[str, QuantizerConfig] = {
    "vq": VectorQuantizerConfig("vq", 32, 8, 3),
    "ema": EMAQuantizerConfig("ema", 32, 8, 3),
    "cosine": CosineQuantizerConfig("cosine", 32, 8, 3),
    "fsq": FSQConfig("fsq", (8, 4)),
    "lfq": LFQConfig("lfq", 32),
    "simvq": SimVQConfig("simvq", 32, 8),
}


def make_decoding_agent(codes: int, size: int) -> Agent:
    """An untrained agent of so many codes, which differ, for frames of so many pixels a side."""
    torch.manual_seed(0)
    quantizer = VectorQuantizerConfig("vq", codes, 4, 0)
    tokenizer = IrisConfig(quantizer, 4, ch=4, ch_mult=(1, 1, 2), num_res_blocks=1, attn_resolutions=(4,))
    agent = Agent(
        AgentConfig((size, size), 5, tokenizer, WorldModelConfig(2, 1, 1, 8, 0.0), ActorCriticConfig(8))
    )
    torch.nn.init.normal_(agent.tokenizer.codebook)
    return agent.eval()
