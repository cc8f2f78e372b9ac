"""Parameters laid over parameters, and errors that name the file."""

from pathlib import Path
from typing import Any, TypeVar

from irislib.errors import ParamError
from irislib.params import parse_value

T = TypeVar("T")


def overlaid(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The values of `base` with those of `over` in their place.

    Mappings are laid over each other key by key. A mapping that names another `kind` than the one below it
    replaces it, since the options of one kind mean nothing to another.
    """
    laid = dict(base)
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict) and _same_kind(below, value):
            value = overlaid(below, value)
        laid[key] = value
    return laid


def _same_kind(base: dict[str, Any], over: dict[str, Any]) -> bool:
    return "kind" not in over or over["kind"] == base.get("kind")


def parse_from(values: dict[str, Any], section: str, into: type[T], source: Path) -> T:
    """Fits a section into its type.

    Raises:
        ParamError: it is missing or does not fit; the message begins with the file `source`.
    """
    if section not in values:
        raise ParamError(f"{source}: {section}: missing; add it")
    return told_of(source, values[section], section, into)


def told_of(source: Path, value: Any, name: str, into: type[T]) -> T:
    """As `params.parse_value`, but the message begins with the file `source`. Raises ParamError."""
    try:
        return parse_value(value, name, into)
    except ParamError as error:
        raise ParamError(f"{source}: {error}") from None
