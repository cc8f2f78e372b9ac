"""The `env` section for Atari games."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from annotated_types import Ge, Le

from irislib.params import STRICT, require
from irislib.worlds.world import World, WorldConfig, WorldDescription


@dataclass(frozen=True)
class AtariConfig(WorldConfig):
    """The `env` section for an Atari game; the defaults are those of the released IRIS.

    Attributes:
        world: the name that chooses this world.
        length: steps after which a game is cut off; 27,000 steps of 4 screens are half an hour of play.
        game: its name as in gymnasium's ids and in the names of the released agents, such as MsPacman.
        frame_size: pixels along each side of a frame.
        frame_skip: screens for which an action is repeated: one step. The frame is the maximum of the last
            two.
        noop_max: a game begins with 1 to so many screens without an action, drawn at random; 0: with none.
        sticky: probability with which the console takes the action of the last screen again.
        life_loss_ends: when the loss of a life ends an episode: in training alone, always, or never.
        label_size: pixels along each side of a rectangle with a label. It has to divide `frame_size`.
    """

    __pydantic_config__ = STRICT
    world: Literal["atari"] = "atari"
    length: Annotated[int, Ge(1)] = 27_000
    game: str = "Pong"
    frame_size: Annotated[int, Ge(16)] = 64
    frame_skip: Annotated[int, Ge(1)] = 4
    noop_max: Annotated[int, Ge(0)] = 30
    sticky: Annotated[float, Ge(0), Le(1)] = 0.0
    life_loss_ends: Literal["training", "always", "never"] = "training"
    label_size: Annotated[int, Ge(1)] = 2

    def __post_init__(self) -> None:
        fits = self.frame_size % self.label_size == 0
        remedy = f"{self.label_size} does not divide frame_size {self.frame_size}; use 1, 2 or 4"
        require(fits, "label_size", remedy)

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of the frames, in pixels."""
        return self.frame_size, self.frame_size

    def make(self) -> World:
        """A new console with the game. Raises IrislibError (no ale-py) or ParamError (no such game)."""
        from irislib.worlds.atari.world import AtariWorld  # which imports this module

        return AtariWorld(self)

    def describe(self) -> WorldDescription:
        """Squares of `label_size` pixels. Raises IrislibError (no ale-py) or ParamError (no such game)."""
        from irislib.worlds.atari.world import describe

        return describe(self)

    def for_training(self) -> "AtariConfig":
        """The same game, whose episodes end with a life unless that is switched off."""
        return replace(self, life_loss_ends="always") if self.life_loss_ends == "training" else self
