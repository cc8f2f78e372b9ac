"""Δ-IRIS (Micheli, Alonso, Fleuret 2024, arXiv 2406.19320): its agents are read, played and analysed."""

from irislib.agent.delta_iris.agent import DeltaIris, load_delta_iris
from irislib.agent.delta_iris.official import is_delta_iris, load_official_delta_iris

__all__ = ["DeltaIris", "is_delta_iris", "load_delta_iris", "load_official_delta_iris"]
