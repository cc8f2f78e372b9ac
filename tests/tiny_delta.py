"""A tiny Δ-IRIS agent for tests, and its file as the official code would write it."""

from pathlib import Path

import torch

from irislib.agent.delta_iris import DeltaIris
from irislib.agent.delta_iris.config import (
    DeltaActorCriticConfig,
    DeltaIrisAgentConfig,
    DeltaWorldModelConfig,
)
from irislib.agent.delta_iris.official import official_name
from irislib.tokenizers.delta_iris import DeltaIrisConfig, NetConfig


def net(image_channels: int, latent_dim: int) -> NetConfig:
    return NetConfig(image_channels, latent_dim, 32, (1, 1), (1, 1))


CONFIG = DeltaIrisAgentConfig(
    kind="delta_iris",
    frame=(64, 64),
    num_actions=17,
    tokenizer=DeltaIrisConfig("delta_iris", 17, 32, 8, 4, 2, net(7, 4), net(3, 8), net(3, 2)),
    world_model=DeltaWorldModelConfig(3, 2, 4, 256, two_hot_rewards=False, frame_cnn=net(3, 1)),
    actor_critic=DeltaActorCriticConfig(8, two_hot_values=False, frame_encoder=net(3, 2)),
)


def make_agent() -> DeltaIris:
    torch.manual_seed(0)
    agent = DeltaIris(CONFIG).eval()
    agent.tokenizer.codebook.copy_(torch.nn.functional.normalize(torch.randn(32, 8), dim=1))
    with torch.no_grad():  # else all frames look alike to it
        agent.tokenizer.quantizer.pre_quant_proj.weight.mul_(30)
        agent.tokenizer.quantizer.post_quant_proj.weight.mul_(5)
    return agent


def save_official(agent: DeltaIris, path: Path) -> Path:
    torch.save({official_name(name): value for name, value in agent.state_dict().items()}, path)
    return path
