"""The agent: tokenizer, world model and actor-critic together; saving, loading, acting."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from irislib.agent.actor_critic import ActorCritic, State
from irislib.agent.config import AgentConfig
from irislib.agent.world_model import WorldModel
from irislib.artifacts import check_readable
from irislib.device import pick_device
from irislib.errors import ArtifactError, IrislibError, ParamError
from irislib.params import parse_value
from irislib.stores.agent import REMEDY, SCHEMA, VERSION, read_about
from irislib.tokenizers.iris import Tokenizer


class Agent(nn.Module):
    """IRIS (Micheli et al. 2023).

    Attributes:
        config: what fixes its shapes.
        steps: environment steps that it was trained on.
    """

    def __init__(self, config: AgentConfig, steps: int = 0) -> None:
        super().__init__()
        self.config, self.steps = config, steps
        self.tokenizer = Tokenizer(config.tokenizer, config.frame)
        self.world_model = WorldModel(config)
        self.actor_critic = ActorCritic(config)
        for convolutional in (self.tokenizer, self.actor_critic):
            # The layout that convolutions are fastest in.
            convolutional.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.tokenizer.codebook.device

    @torch.no_grad()
    def act(
        self,
        frames: UInt8[Tensor, "b y x 3"],
        state: State,
        rngs: list[np.random.Generator],
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
        cumulative = (logits / temperature).double().softmax(1).cpu().numpy().cumsum(1)
        draws = [
            np.searchsorted(row, rng.random() * row[-1], "right")
            for row, rng in zip(cumulative, rngs, strict=True)
        ]
        return np.minimum(draws, cumulative.shape[1] - 1), tokens, state

    def save(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        """Writes model.safetensors, with weights of that type, and config.json into a folder.

        `load_agent` makes them float32 again. Raises IrislibError where a weight does not fit the type, or is
        not finite.
        """
        weights = {name: w.to(dtype).contiguous().cpu() for name, w in self.state_dict().items()}
        for name, weight in weights.items():
            if not weight.isfinite().all():
                raise IrislibError(
                    f"{name}: weights are not finite in {str(dtype).removeprefix('torch.')}; train with a lower learning rate"
                )
        save_file(weights, folder / "model.safetensors")
        about = {
            "schema": SCHEMA,
            "schema_version": VERSION,
            "steps": self.steps,
            "agent": asdict(self.config),
        }
        (folder / "config.json").write_text(json.dumps(about, indent=2) + "\n")


def load_agent(path: Path | str, device: torch.device | None = None) -> Agent:
    """Reads an agent that the train stage wrote, ready for inference.

    Args:
        path: its folder, with config.json and model.safetensors.
        device: where to put it; by default the first GPU, else the CPU.

    Raises:
        ArtifactError: it is missing, foreign or damaged, or holds a weight that is not a finite real number.
    """
    path = Path(path)
    try:
        about = read_about(path)
        check_readable(path / "model.safetensors", REMEDY)
        agent = Agent(parse_value(about["agent"], "agent", AgentConfig), about["steps"])
        weights = load_file(path / "model.safetensors")
        require_numbers(weights)
        agent.load_state_dict(weights)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, ParamError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArtifactError(f"{path}: damaged or not an agent ({reason}); {REMEDY}") from None
    return agent.to(device or pick_device()).eval()


def require_numbers(weights: Mapping[str, Tensor]) -> None:
    """Raises ValueError for the first tensor that does not hold floating-point numbers, all finite."""
    for name, weight in weights.items():
        if not weight.is_floating_point():
            kind = str(weight.dtype).removeprefix("torch.")
            raise ValueError(f"{name} holds {kind}, not floating-point numbers")
        if not weight.isfinite().all():
            raise ValueError(f"{name} holds values that are not finite")
