"""IRIS: a VQ tokenizer, a transformer world model, and an actor-critic that learns inside it."""

from irislib.agent.agent import Agent, load_agent

__all__ = ["Agent", "load_agent"]
