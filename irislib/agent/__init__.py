"""IRIS: a VQ tokenizer, a transformer world model, and an actor-critic that learns inside it."""

from irislib.agent.agent import Agent, load_agent
from irislib.agent.official import export_official_iris, load_official_iris

__all__ = ["Agent", "export_official_iris", "load_agent", "load_official_iris"]
