"""An Atari game as a world: played as by the released IRIS (its src/envs/wrappers.py), with its truth."""

from functools import cache
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete
from jaxtyping import Int16, UInt8

from irislib.worlds.atari.config import AtariConfig
from irislib.worlds.atari.console import insert
from irislib.worlds.atari.games import things_of
from irislib.worlds.atari.resizing import resize_labels, resize_screen
from irislib.worlds.atari.things import BACKGROUND, Things
from irislib.worlds.world import Frame, World, WorldDescription, grid_boxes

QUANTITIES = ("lives", "points won", "points lost")
LARGEST = 255  # of a quantity, which is a u8
NOOP = 0


class AtariWorld(World):
    """The game with its ground truth; see `World` for `info`.

    The reward of a step is the change of the score, as it is: training takes its sign. The end of the game
    terminates an episode, and so does the loss of a life that is not the last one if `life_loss_ends` is
    "always"; the next episode is a new game even then. Quantities are the lives that are left, and in how
    many steps so far the score rose and fell (at most 255). There are no goals.
    """

    def __init__(self, config: AtariConfig) -> None:
        self.description = config.describe()
        self.observation_space = Box(0, 255, (*config.frame, 3), np.uint8)
        self.action_space = Discrete(len(self.description.actions))
        self._config, self._things = config, things_of(config.game)
        self._steps_left = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Begins the game that `seed` determines: sticky actions and the screens without an action."""
        super().reset(seed=seed)
        # Only a console that is made anew forgets its random numbers.
        self._console = insert(self._config.game, int(self.np_random.integers(2**31)), self._config.sticky)
        self._actions = self._console.getMinimalActionSet()
        if self._config.noop_max:
            for _ in range(self.np_random.integers(1, self._config.noop_max, endpoint=True)):
                self._console.act(self._actions[NOOP])
                if self._console.game_over():
                    self._console.reset_game()
        self._steps_left, self._lives = self._config.length, self._console.lives()
        self._won = self._lost = 0
        return self._show([self._screen()])

    def step(self, action: np.int64) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Repeats the action for `frame_skip` screens. Raises ResetNeeded outside an episode."""
        if not self._steps_left:
            raise ResetNeeded("the episode is over or never began; call reset first")
        reward, screens = 0, list[tuple[np.ndarray, np.ndarray]]()
        for left in reversed(range(self._config.frame_skip)):
            reward += self._console.act(self._actions[action])
            over = self._console.game_over()
            if left < 2 or over:
                screens.append(self._screen())
            if over:
                break
        self._won, self._lost = self._won + (reward > 0), self._lost + (reward < 0)
        before, self._lives = self._lives, self._console.lives()
        terminated = over or (self._config.life_loss_ends == "always" and 0 < self._lives < before)
        self._steps_left = 0 if terminated else self._steps_left - 1
        obs, info = self._show(screens[-2:])
        return obs, float(reward), terminated, not (terminated or self._steps_left), info

    def _screen(self) -> tuple[UInt8[np.ndarray, "row column 3"], UInt8[np.ndarray, "row column"]]:
        """Red, green and blue of each pixel, and the number of its colour."""
        return self._console.getScreenRGB(), self._console.getScreen()

    def _show(self, screens: list[tuple[np.ndarray, np.ndarray]]) -> tuple[Frame, dict[str, Any]]:
        """The maximum of one or two screens, and what stands there: in each place, on the brighter one."""
        size = self._config.frame_size
        frames = [resize_screen(rgb, size) for rgb, _ in screens]
        shown = self._things.label(_brighter(*screens[0], *screens[-1]))
        label = resize_labels(shown, size, self._config.label_size, len(self._things.labels))
        counts = (self._lives, self._won, self._lost)
        return np.maximum(frames[0], frames[-1]), {
            "label": label[_is_world(self._things, len(shown), self._config)],
            "quantity": np.minimum(counts, LARGEST).astype(np.uint8),
            "hidden": False,
            "daylight": 1.0,
            "goal": np.zeros(0, bool),
        }


def _brighter(
    rgb: UInt8[np.ndarray, "row column 3"],
    colour: UInt8[np.ndarray, "row column"],
    last_rgb: UInt8[np.ndarray, "row column 3"],
    last_colour: UInt8[np.ndarray, "row column"],
) -> UInt8[np.ndarray, "row column"]:
    """The colour's number at each place of the brighter of two screens; of equally bright ones, the last."""
    at, shown = np.nonzero(colour != last_colour), last_colour.copy()
    shown[at] = np.where(rgb[at].sum(axis=1) > last_rgb[at].sum(axis=1), colour[at], last_colour[at])
    return shown


@cache
def describe(config: AtariConfig) -> WorldDescription:
    """Squares of the frame; those in the display's rows are the display's. Raises as `insert`."""
    things, console = things_of(config.game), insert(config.game, 0, 0.0)
    squares = squares_of(config)
    world = _is_world(things, console.getScreenDims()[0], config)
    return WorldDescription(
        labels=things.labels,
        world_boxes=squares[world],
        display_boxes=squares[~world],
        hidden_label=None,
        quantities=QUANTITIES,
        quantity_box=np.full(len(QUANTITIES), -1, np.int16),
        quantity_limit=LARGEST,
        goals=(),
        actions=tuple(action.name.lower() for action in console.getMinimalActionSet()),
        background=BACKGROUND,
    )


def squares_of(config: AtariConfig) -> Int16[np.ndarray, "square 4"]:
    """All squares of a frame, row by row."""
    count = config.frame_size // config.label_size
    return grid_boxes(count, count, config.label_size)


@cache
def _is_world(things: Things, rows: int, config: AtariConfig) -> np.ndarray:
    """Which squares show the world, bool: those whose middle is in no row of the display."""
    middle = squares_of(config)[:, ::2].mean(axis=1) / config.frame_size * rows
    bands = [(first <= middle) & (middle < last) for first, last in things.display]
    return ~np.any(bands, axis=0) if bands else np.ones(len(middle), bool)
