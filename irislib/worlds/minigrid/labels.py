"""What a tile of MiniGrid can show, and which label that is.

Walls and goals have one label each, whatever their colour: those of one colour would be drawn alike, and all
levels of the package have grey walls and green goals.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int, UInt8
from minigrid.core.constants import COLOR_TO_IDX, OBJECT_TO_IDX, STATE_TO_IDX

# What `Grid.encode` says of a tile: indices of its object, its colour and its state. The agent, which it
# leaves out, has its direction in place of a state.
Code = tuple[int, int, int]
EMPTY = "empty"  # the label of a tile without an object
AGENT = OBJECT_TO_IDX["agent"]
DIRECTIONS = ("right", "down", "left", "up")
COLOURED = ("floor", "key", "ball", "box")
DRAWN_IN_ONE_COLOUR = {"wall": "grey", "goal": "green", "lava": "red"}


def _label_codes() -> Iterator[tuple[str, Code]]:
    yield "unseen", (OBJECT_TO_IDX["unseen"], 0, 0)
    yield EMPTY, (OBJECT_TO_IDX["empty"], 0, 0)
    for thing, colour in DRAWN_IN_ONE_COLOUR.items():
        yield thing, (OBJECT_TO_IDX[thing], COLOR_TO_IDX[colour], 0)
    for thing in COLOURED:
        for colour, index in COLOR_TO_IDX.items():
            yield f"{colour} {thing}", (OBJECT_TO_IDX[thing], index, 0)
    for state, number in STATE_TO_IDX.items():
        for colour, index in COLOR_TO_IDX.items():
            yield f"{state} {colour} door", (OBJECT_TO_IDX["door"], index, number)
    for direction, name in enumerate(DIRECTIONS):
        yield f"agent facing {name}", (AGENT, 0, direction)


CODES: dict[str, Code] = dict(_label_codes())
LABEL_NAMES: tuple[str, ...] = tuple(CODES)


def _table() -> UInt8[np.ndarray, "object colour state"]:
    """The label of every code."""
    shape = len(OBJECT_TO_IDX), len(COLOR_TO_IDX), max(len(STATE_TO_IDX), len(DIRECTIONS))
    table = np.zeros(shape, np.uint8)
    for label, (thing, colour, state) in enumerate(CODES.values()):
        table[(thing, colour, state) if LABEL_NAMES[label] not in DRAWN_IN_ONE_COLOUR else thing] = label
    return table


_TABLE = _table()


def labels_of(code: Int[np.ndarray, "x y 3"] | UInt8[np.ndarray, "x y 3"]) -> UInt8[np.ndarray, " tile"]:
    """The label of every tile, row by row.

    Args:
        code: `Code` of every tile, as from `Grid.encode`.
    """
    labels: np.ndarray = _TABLE[code[..., 0], code[..., 1], code[..., 2]]
    return labels.T.reshape(-1)
