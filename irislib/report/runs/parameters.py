"""The parameters that two runs do not share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ABSENT = "—"


@dataclass(frozen=True)
class Parameter:
    """A parameter with its value in each run, as text; a dash where a run has no such parameter."""

    key: str
    first: str
    second: str


def flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Values by their dotted keys: ``{"a": {"b": 1}}`` becomes ``{"a.b": 1}``. A list is one value."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Parameter]:
    """The parameters whose values differ, in the order of the first file, then of the second.

    Args:
        first, second: the contents of two params.yaml.
    """
    one, other = flat(first), flat(second)
    absent = object()
    return [
        Parameter(key, _shown(one, key), _shown(other, key))
        for key in dict.fromkeys([*one, *other])
        if one.get(key, absent) != other.get(key, absent)
    ]


def _shown(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        return ABSENT
    value = values[key]
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
