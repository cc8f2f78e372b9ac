"""An agent's folder: what config.json says, and the weights beside it."""

from pathlib import Path
from typing import Any

from irislib.weights_folder import MISFITS, WeightsFolder

AGENT = WeightsFolder(
    schema="irislib/agent",
    version=2,
    noun="an agent",
    remedy="pull it, or delete it and run the train stage again",
)


def read_about(folder: Path) -> dict[str, Any]:
    """The content of config.json: `steps` (environment steps of training) and `agent` (its shapes).

    Raises:
        ArtifactError: it is missing, cannot be read, is foreign or damaged.
    """
    about = AGENT.read_config(folder)
    try:
        return {"steps": int(about["steps"]), "agent": dict(about["agent"])}
    except MISFITS as error:
        raise AGENT.damaged(folder, error) from None
