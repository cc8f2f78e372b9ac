"""The agent: tokenizer, world model and actor-critic together; saving, loading, acting."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn

from irislib.agent.acting import draw_actions
from irislib.agent.actor_critic import ActorCritic, State
from irislib.agent.config import AgentConfig
from irislib.agent.world_model import WorldModel
from irislib.stores.agent import AGENT, restore_agent
from irislib.tokenizers.make import make_tokenizer


class Agent(nn.Module):
    """IRIS (Micheli et al. 2023).

    Attributes:
        config: what fixes its shapes.
        steps: environment steps that it was trained on.
    """

    def __init__(self, config: AgentConfig, steps: int = 0) -> None:
        super().__init__()
        self.config, self.steps = config, steps
        self.tokenizer = make_tokenizer(config.tokenizer, config.frame)
        self.world_model = WorldModel(config)
        self.actor_critic = ActorCritic(config)
        for convolutional in (self.tokenizer, self.actor_critic):
            # The layout that convolutions are fastest in.
            convolutional.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @torch.no_grad()
    def act(
        self,
        frames: UInt8[Tensor, "b y x 3"],
        state: State,
        rngs: Sequence[np.random.Generator],
        temperature: float,
    ) -> tuple[Int64[np.ndarray, " b"], Int64[Tensor, "b h w"], State]:
        """Samples one action a frame; the policy sees the frame through the tokenizer, as in imagination.

        Args:
            frames: u8 [B,H,W,3].
            rngs: one stream a row, so that a row's draws do not depend on its neighbours.

        Returns:
            Actions int64 [B], the frames' tokens int64 [B,h,w], and the next state.
        """
        tokens = self.tokenizer.encode(frames.to(self.device))
        logits, _, state = self.actor_critic(self.tokenizer.decode_tokens(tokens), state)
        return draw_actions(logits, rngs, temperature), tokens, state

    def play(
        self,
        frames: UInt8[Tensor, "b y x 3"],
        state: State,
        rngs: Sequence[np.random.Generator],
        temperature: float,
    ) -> tuple[Int64[np.ndarray, " b"], State]:
        """As `act`, without the tokens."""
        actions, _, state = self.act(frames, state, rngs, temperature)
        return actions, state

    def save(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        """Writes model.safetensors, with weights of that type, and config.json into a folder.

        `load_agent` makes them float32 again. Raises IrislibError where a weight does not fit the type, or is
        not finite.
        """
        AGENT.write(folder, self.state_dict(), {"steps": self.steps, "agent": asdict(self.config)}, dtype)


def load_agent(path: Path | str, device: torch.device | None = None) -> Agent:
    """Reads an agent that the train stage wrote, ready for inference.

    Args:
        path: its folder, with config.json and model.safetensors.
        device: where to put it; by default the first GPU, else the CPU.

    Raises:
        ArtifactError: it is missing, foreign or damaged, or a weight is not finite or not floating point.
    """
    return restore_agent(Path(path), AgentConfig, Agent, device)
