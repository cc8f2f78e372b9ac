"""The `env` section for MiniGrid. minigrid itself is imported only where a section names this world."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge

from irislib.params import STRICT, require
from irislib.worlds.scenes import SceneSource
from irislib.worlds.world import WorldConfig, WorldDescription, grid_boxes

if TYPE_CHECKING:
    from irislib.worlds.minigrid.game import MinigridWorld

# Pixels. Below 3, boxes look like empty tiles; below 6, open doors and unseen tiles do.
SMALLEST_TILE = {"full": 3, "egocentric": 6}


@dataclass(frozen=True)
class MinigridConfig(WorldConfig):
    """The `env` section for MiniGrid.

    Attributes:
        world: the name that chooses this world.
        level: gymnasium id of the level; "module:id" for one that your own module registers.
        view: full shows the whole grid, egocentric what the agent sees, ahead of it being up.
        frame_size: pixels along each side of a frame. Its tiles are as large as fit a whole number of
            times; they begin at the upper left, and what is left over at the right and below is black.
        length: steps after which an episode is cut off, if the level itself does not end it earlier.
    """

    __pydantic_config__ = STRICT
    world: Literal["minigrid"] = "minigrid"
    level: str = "MiniGrid-DoorKey-8x8-v0"
    view: Literal["full", "egocentric"] = "full"
    frame_size: Annotated[int, Ge(1)] = 64
    length: Annotated[int, Ge(1)] = 10_000

    def __post_init__(self) -> None:
        # Half-done work depends on the code that is loaded when it begins; the environment's must be.
        import irislib.worlds.minigrid.game  # noqa: F401

        rows, columns = self.grid
        smallest = SMALLEST_TILE[self.view]
        remedy = f"use at least {smallest * max(rows, columns)}"
        if self.view == "full":
            remedy += ", or view: egocentric"
        require(
            self.tile >= smallest,
            "frame_size",
            f"{self.frame_size} pixels are too few for {rows} x {columns} tiles; {remedy}",
        )

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of the frames, in pixels."""
        return self.frame_size, self.frame_size

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the tiles that a frame shows. Raises ValueError for an unknown level."""
        from irislib.worlds.minigrid.level import find_level

        level = find_level(self.level)
        return (level.rows, level.columns) if self.view == "full" else (level.view, level.view)

    @property
    def tile(self) -> int:
        """Pixels along each side of a tile."""
        return self.frame_size // max(self.grid)

    def make(self) -> "MinigridWorld":
        """A new game."""
        from irislib.worlds.minigrid.game import MinigridWorld

        return MinigridWorld(self)

    def describe(self) -> WorldDescription:
        """The tiles, row by row, all of them world: MiniGrid displays no quantities."""
        from irislib.worlds.minigrid.game import ACTION_NAMES, GOAL_NAMES, QUANTITY_NAMES
        from irislib.worlds.minigrid.labels import EMPTY, LABEL_NAMES
        from irislib.worlds.minigrid.level import find_level

        return WorldDescription(
            labels=LABEL_NAMES,
            world_boxes=grid_boxes(*self.grid, self.tile),
            display_boxes=np.zeros((0, 4), np.int16),
            hidden_label=None,
            quantities=QUANTITY_NAMES,
            quantity_box=np.full(len(QUANTITY_NAMES), -1, np.int16),
            quantity_limit=1,
            goals=GOAL_NAMES,
            actions=ACTION_NAMES[: find_level(self.level).actions],
            background=EMPTY,
        )

    def scenes(self) -> SceneSource:
        """Staged scenes and random play."""
        from irislib.worlds.minigrid.scenes import MinigridScenes

        return MinigridScenes(self)
