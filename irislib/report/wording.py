"""Numbers as words and digits for titles, captions and tables."""

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any

UNDEFINED = "undefined"


def percent(share: float | None) -> str:
    """A share in [0, 1] with three significant digits: ``0.1234`` is ``12.3%``; None is ``undefined``."""
    if share is None:
        return UNDEFINED
    value = 100 * share
    return f"{value:.0f}%" if value in (0, 100) else f"{value:.3g}%" if value < 99.95 else f"{value:.2f}%"


def number(value: float | None, digits: int = 3) -> str:
    """That many significant digits, thousands separated; whole numbers are given in full."""
    if value is None:
        return UNDEFINED
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def many(value: float | None, noun: str) -> str:
    """A count and its noun: ``1 code``, ``2 codes``."""
    return f"{number(value)} {noun if value == 1 else noun + 's'}"


def signed(value: float) -> str:
    """Three decimals with a sign, a true minus: ``+0.012``."""
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def some_of(count: float | None, total: float | None, noun: str) -> str:
    """A count out of a total as people say it: ``none of 3 codes``, ``the only code``, ``all 3 codes``."""
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
    """The same with a capital at its head."""
    return text[:1].upper() + text[1:]


def label_name(label: str) -> str:
    """The simulator's label as readers know it."""
    return "inventory" if label == "hud" else label


class Prose(Formatter):
    """Fills numbers into text by their dotted keys.

    ``{codebook.used}`` becomes a number, ``{codebook.used:code}`` a count of codes and
    ``{empty_share.present_pairs:%}`` a percentage; ``{codebook.used:of codebook.size code}`` is a count of
    others, see `some_of`.

    Args:
        look_up: gives the number of a key, None where it is undefined.
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
