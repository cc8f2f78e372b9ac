"""Which worlds there are: the `env` section of params.yaml, and the environment that it describes."""

from pathlib import Path
from typing import Annotated

from irislib.params import load_params, one_of
from irislib.worlds.crafter import CrafterConfig
from irislib.worlds.world import World, WorldConfig, WorldDescription

# What the `env` section is read into: the dataclass that `env.world` names.
ENV = Annotated[CrafterConfig, one_of("world")]


def load_world(params: Path) -> WorldConfig:
    """The `env` section of a params file. Raises ParamError where it does not fit."""
    config: WorldConfig = load_params(params, "env", ENV)
    return config


def make(config: WorldConfig) -> World:
    """A new environment. A function of a module, so that it can be sent to another process."""
    return config.make()


def describe(config: WorldConfig) -> WorldDescription:
    """The names and the geometry of a world's ground truth, without starting a game."""
    return config.describe()
