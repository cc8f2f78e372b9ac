"""Texts that occur many times, stored once."""

from collections.abc import Iterable


class Words:
    """Numbers texts in the order of their first occurrence."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number_all(self, texts: Iterable[str]) -> list[int]:
        """The number of each text."""
        return [self._numbers.setdefault(text, len(self._numbers)) for text in texts]

    @property
    def texts(self) -> list[str]:
        """All texts, by number."""
        return list(self._numbers)
