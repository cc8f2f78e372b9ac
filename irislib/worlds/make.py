"""Which worlds there are: the `env` section of params.yaml, and the environment that it describes."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from irislib.params import load_params, one_of
from irislib.worlds.atari.config import AtariConfig
from irislib.worlds.crafter.game import CrafterConfig
from irislib.worlds.minigrid.config import MinigridConfig
from irislib.worlds.world import World, WorldConfig, WorldDescription

KINDS = Annotated[CrafterConfig | MinigridConfig | AtariConfig, one_of("world")]


class AnyWorld(WorldConfig):
    """What the `env` section is read into: never itself, but the dataclass that `env.world` names."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Hands the choice to `KINDS`."""
        return handler.generate_schema(KINDS)


def load_world(params: Path) -> WorldConfig:
    """The `env` section of a params file. Raises ParamError where it does not fit."""
    return load_params(params, "env", AnyWorld)  # type: ignore[type-abstract]  # the choice is concrete


def make(config: WorldConfig) -> World:
    """A new environment. A function of a module, so that it can be sent to another process."""
    return config.make()


def describe(config: WorldConfig) -> WorldDescription:
    """The names and the geometry of a world's ground truth, without starting a game."""
    return config.describe()
