"""Parameters laid over parameters, and errors that name the file."""

from pathlib import Path
from typing import Any, TypeVar

from irislib.errors import ParamError
from irislib.params import parse_value, read_yaml

T = TypeVar("T")

KIND = ("kind", "world")  # keys that say which options stand beside them


def read_overlay(folder: Path, name: str, noun: str) -> dict[str, Any]:
    """The overlay in the file NAME.yaml.

    Args:
        folder: of the overlays.
        name: of one of them.
        noun: what an overlay in this folder is, for the message.

    Raises:
        ParamError: there is no such file, and the message names those that there are; or it cannot be read.
    """
    file = folder / f"{name}.yaml"
    if not file.is_file():
        known = ", ".join(sorted(other.stem for other in folder.glob("*.yaml"))) or "none"
        raise ParamError(f"{name}: no such {noun} in {folder}; known: {known}")
    return read_yaml(file)


def overlaid(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The values of `base` with those of `over` in their place.

    Mappings are laid over each other key by key, unless one `replaces` the one below it.
    """
    laid = dict(base)
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict) and not replaces(below, value):
            value = overlaid(below, value)
        laid[key] = value
    return laid


def replaces(base: dict[str, Any], over: dict[str, Any]) -> bool:
    """Whether a mapping names another kind (`KIND`) than the one below it.

    It then takes its place as a whole, since the options of one kind mean nothing to another.
    """
    return any(name in over and over[name] != base.get(name) for name in KIND)


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
