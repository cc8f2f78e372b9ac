"""params.yaml, parsed once into frozen, validated dataclasses.

Every section is a dataclass beside the code that it configures. This module turns YAML into such a
dataclass, or says in one line what is wrong. It hands accepted values on unchanged (tests compare), so no
result depends on it: `stages.deps` leaves it out of the stages' deps.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, ErrorDetails
from pydantic_core.core_schema import no_info_plain_validator_function
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from irislib.errors import ParamError

T = TypeVar("T")

# Set as `__pydantic_config__` on every section: a typo is an error, and 1 is not True.
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def load_params(path: Path, section: str, into: type[T]) -> T:
    """Reads one section of a params file.

    Args:
        path: a YAML file with one mapping entry a section.
        section: the entry to read, for example ``"gradcam"`` or ``"seed"``.
        into: the dataclass (or plain type) that it must fit.

    Raises:
        ParamError: the file cannot be read, or the section is missing or does not fit.
    """
    return parse_section(read_yaml(path), section, into, str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """The file's top-level mapping. Raises ParamError where there is none."""
    try:
        values = YAML(typ="safe").load(read_text(path))
    except YAMLError as error:
        raise ParamError(f"{path}: not valid YAML ({' '.join(str(error).split())}); mend that line") from None
    if not isinstance(values, dict):
        raise ParamError(f"{path}: must hold one section a stage")
    return values


def read_text(path: Path) -> str:
    """The text of a UTF-8 file. Raises ParamError if it cannot be read or has another encoding."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ParamError(
            f"{path}: cannot be read ({error.strerror}); run from the repository's root"
        ) from None
    except UnicodeDecodeError as error:
        raise ParamError(
            f"{path}: not UTF-8 (byte {error.start} is {error.object[error.start]:#04x}); save it as UTF-8"
        ) from None


def parse_section(values: dict[str, Any], section: str, into: type[T], source: str = "params") -> T:
    """Like `load_params`, on values that are read already."""
    if section not in values:
        raise ParamError(f"{section}: missing from {source}; add it")
    return parse_value(values[section], section, into)


def parse_value(value: Any, name: str, into: type[T]) -> T:
    """Fits plain data into a (nested) dataclass; `name` leads every complaint. Raises ParamError."""
    try:
        # Lists become tuples and ints become floats; strings never become numbers.
        return TypeAdapter(into).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        raise ParamError(_one_line(error.errors()[0], name)) from None


def _one_line(detail: ErrorDetails, name: str) -> str:
    key = ".".join([name, *map(str, detail["loc"])])
    if detail["type"] == "unexpected_keyword_argument":
        return f"{key}: unknown parameter; remove it or mend its spelling"
    if detail["type"] in ("missing", "missing_argument"):
        return f"{key}: missing; add it to params.yaml"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "value_error":
        # A dataclass that checks a combination names the key itself.
        named = all(part.isidentifier() for part in message.split(":")[0].split("."))
        return f"{key}.{message}" if named else f"{key}: {message}"
    return f"{key}: {message[0].lower()}{message[1:]}, not {detail['input']!r}"


def require(condition: bool, key: str, remedy: str) -> None:
    """For `__post_init__` of a section: refuses an impossible value of `key` with what to do instead."""
    if not condition:
        raise ValueError(f"{key}: {remedy}")


@dataclass(frozen=True)
class _OneOf:
    """See `one_of`."""

    field: str
    default: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        adapters = {
            kind: TypeAdapter(option)
            for option in get_args(source) or (source,)
            for kind in get_args(get_type_hints(option)[self.field])
        }

        def choose(value: Any) -> Any:
            known = ", ".join(adapters)
            if not isinstance(value, dict):
                raise ValueError(f"must hold `{self.field}` ({known}) and the options of that kind")
            kind = value.get(self.field, self.default)
            if not isinstance(kind, str) or kind not in adapters:
                raise ValueError(f"{self.field}: must be one of {known}, not {kind!r}")
            return adapters[kind].validate_json(json.dumps(value), strict=True)

        return no_info_plain_validator_function(choose)


def one_of(field: str, default: str | None = None) -> Any:
    """Lets one field choose among the sections of a union.

    Written as `Annotated[A | B, one_of("kind")]`. Each dataclass declares the field as a `Literal` of the
    names that choose it. An unknown name is refused with the known ones, and so is an option that the chosen
    dataclass does not have. A single dataclass is a union of one. Where the field is missing, `default` is
    the name that chooses; by default a missing field is refused.
    """
    return _OneOf(field, default)
