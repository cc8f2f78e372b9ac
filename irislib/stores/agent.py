"""An agent's folder: what config.json says, and the weights beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from irislib.device import pick_device
from irislib.params import parse_value
from irislib.weights_folder import MISFITS, WeightsFolder

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)

AGENT = WeightsFolder(
    schema="irislib/agent",
    version=2,
    noun="an agent",
    remedy="pull it, or delete it and run the train stage again",
)


def read_about(folder: Path) -> dict[str, Any]:
    """The content of config.json: `steps` (environment steps of training) and `agent` (its shapes).

    Raises:
        ArtifactError: it is missing, cannot be read, is foreign or damaged.
    """
    about = AGENT.read_config(folder)
    try:
        return {"steps": int(about["steps"]), "agent": dict(about["agent"])}
    except MISFITS as error:
        raise AGENT.damaged(folder, error) from None


def restore_agent(
    folder: Path, config: type[Config], make: Callable[[Config, int], Network], device: torch.device | None
) -> Network:
    """An agent of a known kind, ready for inference.

    Args:
        folder: with config.json and model.safetensors.
        config: what its shapes are read into.
        make: the agent with these shapes, after so many environment steps of training.
        device: where to put it; by default the first GPU, else the CPU.

    Raises:
        ArtifactError: it is missing, foreign or damaged, or a weight is not finite or not floating point.
    """
    about, weights = read_about(folder), AGENT.read_weights(folder)
    try:
        agent = make(parse_value(about["agent"], "agent", config), about["steps"])
        agent.load_state_dict(weights)
    except MISFITS as error:
        raise AGENT.damaged(folder, error) from None
    return agent.to(device or pick_device()).eval()
