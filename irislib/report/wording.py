"""Numbers and names as text for titles, captions and tables."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from string import Formatter
from typing import Any

UNDEFINED = "undefined"
MINUS = "\N{MINUS SIGN}"


def percent(share: float | None) -> str:
    """A share in [0, 1] with three significant digits: ``12.3%``; None and NaN are ``undefined``."""
    if share is None or math.isnan(share):
        return UNDEFINED
    value = 100 * share
    return f"{value:.0f}%" if value in (0, 100) else f"{value:.3g}%" if value < 99.95 else f"{value:.2f}%"


def percent_range(shares: Iterable[float]) -> str:
    """The smallest and the largest of several shares, undefined (NaN) ones left out: ``12% to 30%``."""
    known = [float(share) for share in shares if not math.isnan(share)]
    if not known:
        return UNDEFINED
    low, high = percent(min(known)), percent(max(known))
    return low if low == high else f"{low} to {high}"


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits, thousands separators, a true minus; whole numbers in full."""
    if value is None or math.isnan(value):
        return UNDEFINED
    if value < 0:
        return f"{MINUS}{number(-value, digits)}"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def between(low: float | None, high: float | None) -> str:
    """A range in words: ``18 to 29``; one number if both ends are equal."""
    ends = number(low), number(high)
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def listed(parts: Sequence[str]) -> str:
    """Parts in words: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(([", ".join(parts[:-1])] if parts[:-1] else []) + [*parts[-1:]])


def many(value: float | None, noun: str) -> str:
    """A count and its noun: ``1 code``, ``2 codes``."""
    return f"{number(value)} {noun if value == 1 else noun + 's'}"


def signed(value: float) -> str:
    """Three decimals with a sign, a true minus: ``+0.012``."""
    return f"{value:+.3f}".replace("-", MINUS)


def some_of(count: float | None, total: float | None, noun: str) -> str:
    """A count out of a total in words: ``none of 3 codes``, ``the only code``, ``all 3 codes``."""
    if count is None or total is None:
        return f"{UNDEFINED} share of the {noun}s"
    if total == 0:
        return f"no {noun}"
    if total == 1:
        return f"the only {noun}" if count else f"not the only {noun}"
    return (
        f"all {many(total, noun)}"
        if count == total
        else f"{number(count) if count else 'none'} of {many(total, noun)}"
    )


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


class Prose(Formatter):
    """Fills numbers into text by their dotted keys.

    ``{codebook.used}`` becomes a number, ``{codebook.used:code}`` a count with its noun ("2 codes"),
    ``{empty_share.present_occurrences:%}`` a percentage, and ``{codebook.used:of codebook.size code}`` a
    count out of a total (`some_of`).

    Args:
        look_up: returns the number of a key; None if it is undefined.
    """

    def __init__(self, look_up: Callable[[str], float | None]) -> None:
        self.look_up = look_up

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        return kwargs[field_name] if field_name in kwargs else self.look_up(field_name), field_name

    def format_field(self, value: float | None, format_spec: str) -> str:
        if format_spec.startswith("of "):
            _, total, noun = format_spec.split(" ", 2)
            return some_of(value, self.look_up(total), noun)
        if format_spec == "%":
            return percent(value)
        return many(value, format_spec) if format_spec else number(value)
