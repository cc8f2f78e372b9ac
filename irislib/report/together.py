"""Codes that are seen together: pairs and sets, with frames in which they are."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.inputs import Inputs
from irislib.report.pictures import Lit, overlay, peak, read_lit
from irislib.report.sprites import Sheet, Sprite, pack
from irislib.report.style import HEAT, PALETTE
from irislib.report.wording import many, number, percent

FRAMES = 4  # of each pair or set
# One a code of a set: magenta, sky blue, yellow, vermillion, ... A number goes with each.
COLOURS = [HEAT, *(tuple(round(255 * part) for part in PALETTE[i]) for i in (7, 6, 3, 2, 0, 1, 4))]
EDGE = 0.08  # share of the frame that keeps a number inside it
APART = 0.16  # the same that keeps two numbers apart


@dataclass(frozen=True)
class Member:
    """A code of a group: its number, its name, and the colour `r g b` of its maps."""

    code: int
    name: str
    colour: str


@dataclass(frozen=True)
class Frame:
    """A frame with the maps of a group laid over it.

    Attributes:
        picture: which of the sprites it is.
        marks: top and left, in percent, of where each member's map is highest.
        about: in words.
    """

    picture: int
    marks: list[tuple[float, float]]
    about: str


@dataclass(frozen=True)
class Group:
    """Codes seen together, and how often."""

    members: list[Member]
    facts: str
    frames: list[Frame]


@dataclass(frozen=True)
class Groups:
    """Occurrences, or sets of three codes and more.

    Attributes:
        heading: a few words.
        about: which these are, out of how many.
        groups: most frequent first.
    """

    heading: str
    about: str
    groups: list[Group]


@dataclass(frozen=True)
class Together:
    """Occurrences, then sets, and where their frames are."""

    shown: list[Groups]
    sheets: list[Sheet]
    sprites: list[Sprite]


def show_groups(inputs: Inputs, wanted: int) -> Together:
    """Occurrences and sets with frames.

    Shown are meaningful ones. Where there is none, the most frequent that meet more often than chance, which
    says nothing of what their codes show.

    Args:
        inputs: of the report.
        wanted: pairs, and sets, at most.
    """
    pairs = inputs.pairs.assign(codes=list(zip(inputs.pairs["code_a"], inputs.pairs["code_b"], strict=True)))
    sets = inputs.sets.assign(codes=[tuple(map(int, str(codes).split())) for codes in inputs.sets["codes"]])
    lit, pictures, found = read_lit(inputs), list[np.ndarray](), []
    for heading, noun, table in (("Occurrences", "pair", pairs), ("Sets of three and more", "set", sets)):
        chosen, about = _choose(table, noun, wanted, inputs.metric("consistency.alpha") or 0.0)
        groups = [_group(inputs, lit, facts, pictures) for _, facts in chosen.iterrows()]
        found.append(Groups(heading, about, groups))
    sheets, sprites = pack(pictures, max(inputs.rollouts.array("obs").shape[1:3]))
    return Together(found, sheets, sprites)


def _choose(table: pd.DataFrame, noun: str, wanted: int, alpha: float) -> tuple[pd.DataFrame, str]:
    """Rows to show, and a sentence about which these are."""
    meaningful = table[table["meaningful"]]
    if len(meaningful):
        top = meaningful.head(wanted)
        which = (
            f"All {many(len(top), f'meaningful {noun}')}" if len(top) > 1 else f"The one meaningful {noun}"
        )
        if len(top) < len(meaningful):
            which = f"The {_most_frequent(top)} of {many(len(meaningful), f'meaningful {noun}')}"
        return top, f"{which}: {_MEANING[noun]}."
    nothing = f"No {noun} of codes is meaningful ({_MEANING[noun]})."
    above = table[(table["q_value"] <= alpha) & (table["pmi"] > 0) & (table["episodes"] > 1)]
    if len(above) == 0:
        return above, f"{nothing} {_NONE[noun]}"
    top = above.head(wanted)
    which = "the only one" if len(above) == 1 else f"the {_most_frequent(top)} of {number(len(above))}"
    return top, (
        f"{nothing} Shown instead: {which} with codes that meet significantly more often than chance, in two "
        "episodes at least. That they meet does not say that their codes show anything."
    )


_MEANING = {
    "pair": "two consistent codes that meet significantly more often than chance, in two episodes at least",
    "set": "consistent codes of which every two parts meet significantly more often than chance, in two "
    "episodes at least",
}
_NONE = {
    "pair": "Nor does any pair meet significantly more often than chance in two episodes.",
    "set": "Sets are looked for among consistent codes alone, and none of these meets significantly more "
    "often than its parts would by chance.",
}


def _most_frequent(top: pd.DataFrame) -> str:
    return "most frequent" if len(top) == 1 else f"{number(len(top))} most frequent"


def _group(inputs: Inputs, lit: Lit, facts: pd.Series, pictures: list[np.ndarray]) -> Group:
    """A group; its frames are appended to `pictures`."""
    codes: tuple[int, ...] = facts["codes"]
    steps = lit.together(codes)
    steps = steps[evenly_spaced(len(steps), FRAMES)]
    obs, episode = inputs.rollouts.read("obs", steps), inputs.rollouts.read("episode", steps)
    frames = []
    for step, frame, played in zip(steps, obs, episode, strict=True):
        maps = inputs.heatmaps.read("heatmap", np.array([lit.map_of(code, step) for code in codes]))
        marks = _spaced([peak(frame.shape[:2], one) for one in maps])
        about = f"observation {step:,}, episode {played}"
        frames.append(Frame(len(pictures), [(round(100 * y, 1), round(100 * x, 1)) for y, x in marks], about))
        pictures.append(overlay(frame, maps, COLOURS))
    members = [
        Member(int(code), inputs.name_of(code), " ".join(map(str, colour)))
        for code, colour in zip(codes, COLOURS, strict=False)
    ]
    said = (
        f"together in {many(facts['count'], 'observation')} ({percent(facts['share'])} of all) of "
        f"{many(facts['episodes'], 'episode')}; PMI {facts['pmi']:.1f} bits, q = {facts['q_value']:.2g}"
    )
    return Group(members, said, frames)


def _spaced(marks: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same marks inside the frame; one that would cover an earlier one moves to a free place nearby."""
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
