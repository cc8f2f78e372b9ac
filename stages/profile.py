"""Named sets of parameters: an overlay of params.yaml a file in profiles/."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML

from irislib.errors import ParamError
from irislib.params import read_yaml
from irislib.workdir import write_atomically
from stages.check import check
from stages.common import Stage, params_option, path_option


def read_profile(folder: Path, name: str) -> dict[str, Any]:
    """The overlay called `name`. Raises ParamError, which names the known ones, where there is none."""
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
    """The params file `text` with the overlay's values, its comments kept. Raises ParamError."""
    yaml = YAML()
    yaml.width = 4096  # never wrap a line that a person wrote
    yaml.representer.add_representer(
        type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    values = yaml.load(text)
    for key, value in leaves(overlay):
        *path, last = key.split(".")
        target = values
        for name in path:
            target = target.get(name) if isinstance(target, dict) else None
        if not isinstance(target, dict) or last not in target:
            raise ParamError(
                f"{key}: the profile sets it, but params.yaml does not have it; mend the profile"
            )
        if isinstance(value, list):
            target[last][:] = value  # keeps the list on one line, and the comment behind it
        else:
            target[last] = value
    stream = io.StringIO()
    yaml.dump(values, stream)
    return stream.getvalue()


@click.command(cls=Stage)
@click.argument("name")
@click.option("--write", is_flag=True, help="Set the values in the params file instead of printing flags.")
@params_option
@path_option("profiles", "profiles", "Folder of the profiles.")
def main(name: str, write: bool, params: Path, profiles: Path) -> None:
    """Prints the profile NAME as flags: dvc exp run $(python -m stages.profile smoke)."""
    overlay = read_profile(profiles, name)
    read_yaml(params)  # one line for what is wrong with the file itself
    merged = apply(overlay, params.read_text())
    check(YAML(typ="safe").load(merged), f"{params} with profile {name}")
    if write:
        write_atomically(params, merged.encode())
    else:
        flags = (f"-S {key}={json.dumps(value, separators=(',', ':'))}" for key, value in leaves(overlay))
        click.echo(" ".join(flags).replace('"', ""))


if __name__ == "__main__":
    main()
