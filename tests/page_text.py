"""The text of a page by section, the numbers in a text, and which of them are in no table."""

import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd

MINUS = "\N{MINUS SIGN}"
# Not a part of a word such as patch-7, iris-4x or F1.
NUMBER = re.compile(rf"(?<![\w.-])[+{MINUS}]?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?%?(?![\w-])")


class PageText(HTMLParser):
    """The text of a page; what is drawn in a figure is left out.

    Attributes:
        text: of each element with an id.
        tables: rows of cells, by the id of the innermost section.
        items: items of lists, by the id of the innermost section.
        titles: what the marks of figures are called, by the id of the innermost section.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.text: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.items: dict[str, list[str]] = {}
        self.titles: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("meta", "link", "img", "input"):
            return
        self.open.append((tag, dict(attrs).get("id") or ""))
        if tag == "tr":
            self.tables.setdefault(self.section, []).append([])
        elif tag in ("td", "th"):
            self.tables[self.section][-1].append("")
        elif tag == "li" and self.section:
            self.items.setdefault(self.section, []).append("")
        elif tag == "title" and self.section:
            self.titles.setdefault(self.section, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An empty element, as of SVG."""

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self.open]
        if "svg" in tags:
            if tags[-1] == "title":
                self.titles[self.section][-1] += data
            return
        for _, name in self.open:
            self.text[name] = self.text.get(name, "") + data
        if "td" in tags or "th" in tags:
            self.tables[self.section][-1][-1] += data
        if "li" in tags and self.section:
            self.items[self.section][-1] += data

    @property
    def section(self) -> str:
        """Id of the innermost section that has one; empty outside of sections."""
        return next((name for tag, name in reversed(self.open) if tag == "section" and name), "")

    def rows(self, section: str) -> list[list[str]]:
        """The rows of the tables of a section, without headers."""
        return [row for row in self.tables[section] if re.search(r"\d|—|undefined|compar", " ".join(row[1:]))]


def flatten(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of nested objects by dotted keys."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{before}{key}.")
        elif isinstance(value, int | float):
            yield f"{before}{key}", float(value)


def parsed(text: str) -> list[float]:
    """The numbers of a text, shares as fractions."""
    return [value for value, _ in map(_value, NUMBER.findall(text))]


def _value(token: str) -> tuple[float, float]:
    """A number as it is written, and by how much its rounding can have moved it."""
    plain = token.strip("%").replace(",", "").replace(MINUS, "-")
    value, decimals = float(plain), len(plain.partition(".")[2].partition("e")[0])
    # Three significant digits, or a fixed number of decimals.
    rounding = 0.5 * 10.0 ** (np.floor(np.log10(abs(value))) - 2) if value else 0.0
    if abs(value) >= 1000:
        rounding = 0.5
    elif (decimals > 1 or token[0] in f"+{MINUS}") and "e" not in token:
        rounding = max(rounding, 0.5 * 10.0**-decimals)
    scale = 100 if token.endswith("%") else 1
    return value / scale, (1.001 * rounding + 1e-9) / scale


class Known:
    """The values that a text may show.

    Args:
        sources: numbers, tables, mappings and lists of them.
        settings: numbers as they are written that stand in no table, because they are rules of the analysis.
    """

    def __init__(self, *sources: Any, settings: str = "") -> None:
        self.values = np.array([value for source in sources for value in _numbers(source)])
        self.settings = set(settings.split())

    def has(self, token: str) -> bool:
        """Whether a number, as it is written, is one of the values rounded."""
        value, rounding = _value(token)
        near = self.values.size and np.nanmin(np.abs(self.values - value)) <= rounding
        return token.strip(",") in self.settings or bool(near)

    def strangers(self, text: str) -> list[str]:
        """The numbers of a text that are none of the values."""
        return [token for token in NUMBER.findall(text) if not self.has(token)]


def _numbers(source: Any) -> Iterator[float]:
    if isinstance(source, pd.DataFrame):
        yield from source.select_dtypes("number").to_numpy(float).ravel()
    elif isinstance(source, Mapping):
        yield from _numbers(source.values())
    elif isinstance(source, np.number | int | float):
        yield float(source)
    elif isinstance(source, Iterable) and not isinstance(source, str):
        for one in source:
            yield from _numbers(one)


def wrong(text: str) -> Iterator[tuple[str, str]]:
    """The text with one number changed in its last digit, for each of its numbers; and that number."""
    for found in NUMBER.finditer(text):
        digit = max(i for i in range(found.start(), found.end()) if text[i].isdigit())
        changed = f"{text[:digit]}{(int(text[digit]) + 3) % 10}{text[digit + 1 :]}"
        yield found[0], changed
