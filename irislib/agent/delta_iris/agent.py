"""A Δ-IRIS agent: tokenizer, world model and actor-critic together; saving, loading, acting."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn

from irislib.agent.acting import draw_actions
from irislib.agent.actor_critic import State
from irislib.agent.delta_iris.actor_critic import DeltaActorCritic
from irislib.agent.delta_iris.config import DeltaIrisAgentConfig
from irislib.agent.delta_iris.world_model import DeltaWorldModel
from irislib.stores.agent import AGENT, restore_agent
from irislib.tokenizers.delta_iris import DeltaIrisTokenizer
from irislib.tokenizers.delta_iris.nets import scaled


class DeltaIris(nn.Module):
    """Δ-IRIS, for playing and for analysis; irislib does not train it.

    Attributes:
        config: what fixes its shapes.
        steps: environment steps that it was trained on; 0 where that is not known.
    """

    def __init__(self, config: DeltaIrisAgentConfig, steps: int = 0) -> None:
        super().__init__()
        self.config, self.steps = config, steps
        self.tokenizer = DeltaIrisTokenizer(config.tokenizer, config.frame)
        self.world_model = DeltaWorldModel(config)
        self.actor_critic = DeltaActorCritic(config)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.tokenizer.codebook.device

    @torch.no_grad()
    def play(
        self,
        frames: UInt8[Tensor, "b y x 3"],
        state: State,
        rngs: Sequence[np.random.Generator],
        temperature: float,
    ) -> tuple[Int64[np.ndarray, " b"], State]:
        """Samples one action a frame; see `Agent.play`."""
        logits, _, state = self.actor_critic(scaled(frames.to(self.device)), state)
        return draw_actions(logits, rngs, temperature), state

    def save(self, folder: Path) -> None:
        """Writes model.safetensors, float32, and config.json into a folder.

        Raises IrislibError where a weight is not finite.
        """
        about = {"steps": self.steps, "agent": asdict(self.config)}
        AGENT.write(folder, self.state_dict(), about, torch.float32)


def load_delta_iris(folder: Path, device: torch.device | None = None) -> DeltaIris:
    """Reads an agent from a folder, ready for inference.

    Args:
        folder: with config.json and model.safetensors.
        device: where to put it; by default the first GPU, else the CPU.

    Raises:
        ArtifactError: it is missing, foreign or damaged, or a weight is not finite or not floating point.
    """
    return restore_agent(folder, DeltaIrisAgentConfig, DeltaIris, device)
