"""Sentences whose numbers lead to what is behind them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Phrase:
    """A part of a sentence.

    Attributes:
        text: as it is read.
        codes: the codes that it counts, to which it leads.
        section: id of the part of the page that it leads to, if it counts no codes; empty for plain text.
    """

    text: str
    codes: tuple[int, ...] = ()
    section: str = ""


Statement = tuple[Phrase, ...]


@dataclass(frozen=True)
class Block:
    """A part of the verdict: its heading, and one statement or more."""

    heading: str
    statements: list[Statement]


def say(*parts: str | Phrase) -> Statement:
    """A statement from plain text and phrases."""
    return tuple(Phrase(part) if isinstance(part, str) else part for part in parts)


def of_codes(text: str, codes: Iterable[int]) -> Phrase:
    """Text that leads to these codes."""
    return Phrase(text, tuple(int(code) for code in codes))


def plain(statement: Statement) -> str:
    """The statement without its links."""
    return "".join(phrase.text for phrase in statement)
