"""Named sets of parameters: each file in profiles/ is an overlay of params.yaml."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from ruamel.yaml import YAML

from irislib.errors import ParamError
from irislib.params import read_text, read_yaml
from irislib.study.overlays import read_overlay, replaces
from stages.check import check
from stages.common import Command, params_option, path_option


@dataclass(frozen=True)
class Change:
    """One difference that an overlay makes.

    Attributes:
        key: full name, such as ``train.epochs``.
        how: "set" what is there, "add" what is not, or "remove" what is.
        value: the new value; None of what is removed.
    """

    key: str
    how: Literal["set", "add", "remove"]
    value: Any = None

    def flag(self) -> str:
        """The flag of `dvc exp run` that makes it, in Hydra's syntax."""
        if self.how == "remove":
            return f"-S ~{self.key}"
        value = json.dumps(self.value, separators=(",", ":")).replace('"', "")
        return f"-S {'+' if self.how == 'add' else ''}{self.key}={value}"


def changes(overlay: dict[str, Any], base: dict[str, Any], prefix: str = "") -> Iterator[Change]:
    """What an overlay changes.

    A mapping of another kind takes the place of the one below it (`overlays.replaces`). Elsewhere an overlay
    sets what is there.

    Raises:
        ParamError: the overlay sets what is not there.
    """
    another = replaces(base, overlay)
    for key in base if another else ():
        if key not in overlay:
            yield Change(f"{prefix}{key}", "remove")
    for key, value in overlay.items():
        name, below = f"{prefix}{key}", base.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            yield from changes(value, below, f"{name}.")
        elif isinstance(value, dict) if key in base else not another:
            raise ParamError(f"{name}: the profile sets it, but params.yaml lacks it; correct the profile")
        else:
            yield Change(name, "set" if key in base else "add", value)


def apply(overlay: dict[str, Any], text: str) -> str:
    """The params file `text` with the overlay's values.

    Comments stay, but for those above a key that is removed. Raises ParamError.
    """
    yaml = YAML()
    yaml.width = 4096  # no line that a person wrote is wrapped
    made = list(changes(overlay, yaml.load(text)))
    values = yaml.load(_without([change.key for change in made if change.how == "remove"], text))
    for change in made:
        if change.how != "remove":
            section, name = _place(values, change.key)
            section[name] = change.value
    stream = io.StringIO()
    yaml.dump(values, stream)
    return stream.getvalue()


def _place(values: Any, key: str) -> tuple[Any, str]:
    """The mapping that holds a key of this full name, and the key's name in it."""
    *path, last = key.split(".")
    for name in path:
        values = values[name]
    return values, last


def _without(keys: list[str], text: str) -> str:
    """The params file without these keys, their values, and the comments right above them.

    By lines, because the parser counts a comment above a key to whatever stands before it.
    """
    lines, gone, values = text.splitlines(keepends=True), set[int](), YAML().load(text)
    for key in keys:
        section, name = _place(values, key)
        start, column = section.lc.key(name)
        margin, stop = " " * column, start + 1
        while stop < len(lines) and lines[stop].startswith((f"{margin} ", f"{margin}- ")):
            stop += 1
        while lines[start - 1].startswith(f"{margin}#"):
            start -= 1
        gone.update(range(start, stop))
    return "".join(line for number, line in enumerate(lines) if number not in gone)


def rewrite(file: Path, text: str) -> None:
    """Replaces a text file; a link stays a link, and the file keeps its mode and its line ends."""
    file = file.resolve()
    old = file.read_bytes()
    if b"\r\n" in old:
        text = text.replace("\n", "\r\n")
    partial = file.with_name(f"{file.name}.partial")
    partial.write_bytes(text.encode())
    partial.chmod(file.stat().st_mode)
    partial.replace(file)


@click.command(cls=Command)
@click.argument("name")
@click.option("--write", is_flag=True, help="Set the values in the params file instead of printing flags.")
@params_option
@path_option("profiles", "profiles", "Folder of the profiles.")
def main(name: str, write: bool, params: Path, profiles: Path) -> None:
    """Prints the profile NAME as flags: dvc exp run $(python -m stages.profile smoke)."""
    overlay = read_overlay(profiles, name, "profile")
    read_yaml(params)  # reports what is wrong with the file itself
    merged = apply(overlay, read_text(params))
    check(YAML(typ="safe").load(merged), f"{params} with profile {name}")
    if write:
        rewrite(params, merged)
    else:
        click.echo(" ".join(change.flag() for change in changes(overlay, read_yaml(params))))


if __name__ == "__main__":
    main()
