"""Agents of any kind from a folder."""

from pathlib import Path

import torch

from irislib.agent.agent import Agent, load_agent
from irislib.agent.delta_iris.agent import DeltaIris, load_delta_iris
from irislib.stores.agent import read_about

AnyAgent = Agent | DeltaIris


def holds_delta_iris(folder: Path) -> bool:
    """Whether a folder holds a Δ-IRIS agent. Raises ArtifactError where there is no agent."""
    return bool(read_about(folder)["agent"].get("kind") == "delta_iris")


def load_any_agent(folder: Path, device: torch.device | None = None) -> AnyAgent:
    """Reads an agent of any kind, ready for inference; see `load_agent` and `load_delta_iris`."""
    return load_delta_iris(folder, device) if holds_delta_iris(folder) else load_agent(folder, device)
