"""Named sets of parameters: each file in profiles/ is an overlay of params.yaml."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML

from irislib.errors import ParamError
from irislib.params import read_text, read_yaml
from stages.check import check
from stages.common import Command, params_option, path_option


def read_profile(folder: Path, name: str) -> dict[str, Any]:
    """The overlay called `name`. Raises ParamError with the known names if there is none."""
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if name not in known:
        raise ParamError(f"{name}: no such profile; known: {', '.join(known) or 'none'}")
    return read_yaml(folder / f"{name}.yaml")


def leaves(overlay: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The overlay's values by their full key, such as ``train.epochs``."""
    for key, value in overlay.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def apply(overlay: dict[str, Any], text: str) -> str:
    """The params file `text` with the overlay's values and with its comments. Raises ParamError."""
    yaml = YAML()
    yaml.width = 4096  # no line that a person wrote is wrapped
    values = yaml.load(text)
    for key, value in leaves(overlay):
        *path, last = key.split(".")
        target = values
        for name in path:
            target = target.get(name) if isinstance(target, dict) else None
        if not isinstance(target, dict) or last not in target:
            raise ParamError(f"{key}: the profile sets it, but params.yaml lacks it; correct the profile")
        target[last] = value
    stream = io.StringIO()
    yaml.dump(values, stream)
    return stream.getvalue()


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
    overlay = read_profile(profiles, name)
    read_yaml(params)  # reports what is wrong with the file itself
    merged = apply(overlay, read_text(params))
    check(YAML(typ="safe").load(merged), f"{params} with profile {name}")
    if write:
        rewrite(params, merged)
    else:
        flags = (f"-S {key}={json.dumps(value, separators=(',', ':'))}" for key, value in leaves(overlay))
        click.echo(" ".join(flags).replace('"', ""))


if __name__ == "__main__":
    main()
