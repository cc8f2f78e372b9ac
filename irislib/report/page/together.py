"""Codes that occur together: pairs and sets of codes, with frames in which they occur."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.inputs import Inputs
from irislib.report.page.sprites import Sheet, Sprite, pack
from irislib.report.pictures import NonEmptyMaps, overlay, peak, read_maps, read_non_empty
from irislib.report.style import HEAT, PALETTE
from irislib.report.wording import many, number, percent

FRAMES = 4  # of each pair or set
# Colours of the codes of a set: magenta, sky blue, yellow, vermillion, ... Each map also has a number.
COLOURS = [HEAT, *(tuple(round(255 * part) for part in PALETTE[i]) for i in (7, 6, 3, 2, 0, 1, 4))]
EDGE = 0.08  # distance of a number from the edge of the frame, as a share of its side
APART = 0.16  # distance between two numbers


@dataclass(frozen=True)
class Member:
    """A code of a group: number, name, and the colour of its maps as `r g b`."""

    code: int
    name: str
    colour: str


@dataclass(frozen=True)
class Frame:
    """A frame under the maps of a group.

    Attributes:
        picture: index of its sprite.
        marks: for each member the place of its number: (top, left) in percent.
        about: description in words.
    """

    picture: int
    marks: list[tuple[float, float]]
    about: str


@dataclass(frozen=True)
class Group:
    """A pair or a set of codes, how often it occurs, and some of its frames."""

    members: list[Member]
    facts: str
    frames: list[Frame]


@dataclass(frozen=True)
class Groups:
    """The pairs, or the sets, that are shown.

    Attributes:
        heading: heading on the page.
        about: which groups these are, and of how many.
        groups: the groups, most frequent first; may be empty.
    """

    heading: str
    about: str
    groups: list[Group]


@dataclass(frozen=True)
class Together:
    """Pairs, then sets, and the pictures of their frames."""

    shown: list[Groups]
    sheets: list[Sheet]
    sprites: list[Sprite]


def show_groups(inputs: Inputs) -> Together:
    """At most `plots.groups` pairs and sets, with frames.

    Meaningful groups are shown: those that most divisions of the episodes confirm. Without pairs there is no
    part about pairs, because their figure says so.
    """
    pairs = inputs.pairs.assign(codes=list(zip(inputs.pairs["code_a"], inputs.pairs["code_b"], strict=True)))
    sets = inputs.sets.assign(codes=[tuple(map(int, str(codes).split())) for codes in inputs.sets["codes"]])
    maps, pictures, found = read_non_empty(inputs), list[UInt8[np.ndarray, "h w 3"]](), []
    for heading, noun, table in (("Pairs with frames", "pair", pairs), ("Sets with frames", "set", sets)):
        if noun == "pair" and len(table) == 0:
            continue  # the figure of pairs says so
        chosen, about = _choose(table, noun, inputs.config.groups)
        groups = [_group(inputs, maps, facts, pictures) for _, facts in chosen.iterrows()]
        found.append(Groups(heading, about, groups))
    sheets, sprites = pack(pictures, max(inputs.rollouts.array("obs").shape[1:3]))
    return Together(found, sheets, sprites)


def _choose(table: pd.DataFrame, noun: str, wanted: int) -> tuple[pd.DataFrame, str]:
    """The rows to show, and a text that says which rows these are."""
    meaningful = table[table["meaningful"]]
    meaning = (
        f"A {noun} is meaningful if its codes are consistent and occur together more often than at the same "
        "steps of other episodes, in most divisions of the episodes."
    )
    if len(table) == 0:
        return table, _NO_SET
    if len(meaningful) == 0:
        of = f", of {number(len(table))}" if len(table) > 1 else ""
        return meaningful, f"No {noun} of consistent codes is meaningful{of}. {meaning}"
    top = meaningful.head(wanted)
    which = f"All {many(len(top), f'meaningful {noun}')}" if len(top) > 1 else f"The only meaningful {noun}"
    if len(top) < len(meaningful):
        which = f"The {_most_frequent(top)} of {many(len(meaningful), f'meaningful {noun}')}"
    return top, f"{which}. {meaning}"


_NO_SET = "There is no set of three or more consistent codes that occurs often enough to be tested."


def _most_frequent(top: pd.DataFrame) -> str:
    return "most frequent" if len(top) == 1 else f"{number(len(top))} most frequent"


def _group(
    inputs: Inputs, non_empty: NonEmptyMaps, facts: pd.Series, pictures: list[UInt8[np.ndarray, "h w 3"]]
) -> Group:
    """A group; its frames are appended to `pictures`."""
    codes: tuple[int, ...] = facts["codes"]
    steps = non_empty.together(codes)
    steps = steps[evenly_spaced(len(steps), FRAMES)]
    obs, episode = inputs.rollouts.read("obs", steps), inputs.rollouts.read("episode", steps)
    frames = []
    for step, frame, played in zip(steps, obs, episode, strict=True):
        maps = read_maps(inputs, np.array([non_empty.map_of(code, step) for code in codes]))
        marks = _spaced([peak(frame.shape[:2], one) for one in maps])
        about = f"observation {step:,}, episode {played}"
        frames.append(Frame(len(pictures), [(round(100 * y, 1), round(100 * x, 1)) for y, x in marks], about))
        pictures.append(overlay(frame, maps, COLOURS))
    members = [
        Member(int(code), inputs.name_of(code), " ".join(map(str, colour)))
        for code, colour in zip(codes, COLOURS, strict=False)
    ]
    said = (
        f"together in {many(facts['count'], 'observation')} ({percent(facts['share'])} of the visible ones) "
        f"from {many(facts['episodes'], 'episode')}"
    )
    if "expected" in facts:
        said += f", where {number(round(facts['expected'], 1))} are expected"
    said += f"; confirmed in {percent(facts['confirmed'])} of the divisions"
    return Group(members, said, frames)


def _spaced(marks: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Moves marks into the frame, and away from earlier marks that they would cover."""
    placed: list[tuple[float, float]] = []
    for mark in marks:
        y, x = (min(max(at, EDGE), 1 - EDGE) for at in mark)
        near = [(y + APART * down, x + APART * across) for down, across in _NEAR]
        free = (at for at in near if min(at) >= EDGE and max(at) <= 1 - EDGE and _clear(at, placed))
        placed.append(next(free, (y, x)))
    return placed


def _clear(at: tuple[float, float], placed: list[tuple[float, float]]) -> bool:
    return all(max(abs(at[0] - y), abs(at[1] - x)) > 0.99 * APART for y, x in placed)


_NEAR = sorted(product(range(-3, 4), repeat=2), key=lambda step: (math.hypot(*step), step))
