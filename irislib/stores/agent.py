"""An agent's folder: what config.json says, beside the weights in model.safetensors."""

import json
from pathlib import Path
from typing import Any

from irislib.artifacts import read_file
from irislib.errors import ArtifactError

SCHEMA = "irislib/agent"
VERSION = 2
REMEDY = "pull it, or delete it and run the train stage again"


def read_about(folder: Path) -> dict[str, Any]:
    """The content of config.json: `steps` (environment steps of training) and `agent` (its shapes).

    Raises:
        ArtifactError: it is missing, cannot be read, is foreign or damaged.
    """
    content = read_file(folder / "config.json", REMEDY)
    try:
        about = json.loads(content)
        found = (about["schema"], about["schema_version"])
        if found != (SCHEMA, VERSION):
            raise ArtifactError(
                f"{folder}: holds {found[0]!r} version {found[1]}, not {SCHEMA!r} version {VERSION}; {REMEDY}"
            )
        return {"steps": int(about["steps"]), "agent": dict(about["agent"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{folder}: damaged or not an agent ({_reason(error)}); {REMEDY}") from None


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
