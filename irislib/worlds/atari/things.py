"""What the colours of a game's screen mean.

A screen shows at most 128 colours, each with a number: its place in the console's palette (even, 0 to 254).
In most games a thing has one colour. Where two things share one, the region of the screen tells them apart.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from irislib.seeding import stream
from irislib.worlds.atari.console import insert

BACKGROUND = "background"
OTHER = "other colour"
PROBED, SKIPPED = 1500, 4  # steps, and screens of each
MOST = 30  # colours with a label of their own


@dataclass(frozen=True)
class Thing:
    """Pixels of one colour in a region of the screen (y0, x0, y1, x1; half open; None: anywhere)."""

    label: str
    colour: int
    region: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class Things:
    """What stands on a game's screen.

    Attributes:
        things: a later one is painted over an earlier one.
        display: bands of rows (y0, y1) that show the score or other numbers, and nothing of the game.
        rest: label of all other pixels.
    """

    things: tuple[Thing, ...]
    display: tuple[tuple[int, int], ...] = ()
    rest: str = BACKGROUND

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, the background last."""
        names = dict.fromkeys([*(thing.label for thing in self.things), self.rest])
        return (*(name for name in names if name != BACKGROUND), BACKGROUND)

    def label(self, screen: UInt8[np.ndarray, "row column"]) -> UInt8[np.ndarray, "row column"]:
        """The label of each pixel, as an index of `labels`.

        Args:
            screen: numbers of the colours.
        """
        number = {name: np.uint8(i) for i, name in enumerate(self.labels)}
        shown = np.full_like(screen, number[self.rest])
        for thing in self.things:
            y0, x0, y1, x1 = thing.region or (0, 0, *screen.shape)
            shown[y0:y1, x0:x1][screen[y0:y1, x0:x1] == thing.colour] = number[thing.label]
        return shown


def numbered_colours(game: str) -> Things:
    """A label for each of the commonest colours that random play meets; the very commonest is the background.

    Every call plays the same game. A colour that shows only later is called `OTHER`. Raises as `insert`.
    """
    console, rng = insert(game, seed=0, sticky=0.0), stream(0, "atari", "colours")
    actions, area = console.getMinimalActionSet(), np.zeros(256, np.int64)
    for _ in range(PROBED):
        action = actions[rng.integers(len(actions))]
        for _ in range(SKIPPED):
            console.act(action)
        area += np.bincount(console.getScreen().ravel(), minlength=len(area))
        if console.game_over():
            console.reset_game()
    commonest = np.argsort(-area, kind="stable")[: MOST + 1]
    background, *others = (int(colour) for colour in commonest if area[colour])
    named = [Thing(f"colour {colour}", colour) for colour in sorted(others)]
    return Things((*named, Thing(BACKGROUND, background)), rest=OTHER)
