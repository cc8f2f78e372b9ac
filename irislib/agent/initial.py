"""The agent that training starts from, if there is one: it lies in the folder `agent` of data/init."""

import shutil
from pathlib import Path

import pandas as pd

from irislib.errors import ArtifactError
from irislib.weights_folder import CONFIG, WEIGHTS

COMPONENTS = ("collect", "tokenizer", "world_model", "actor_critic")


def placed_agent(init: Path) -> Path | None:
    """The agent folder in `init`, or None where there is none and training starts from nothing.

    Raises:
        ArtifactError: `init` is missing, or DVC keeps an agent for it that was not pulled.
    """
    if not init.is_dir():
        raise ArtifactError(f"{init}: missing; make the folder, empty to train from nothing")
    folder, pointer = init / "agent", init / "agent.dvc"
    if folder.exists():
        return folder
    if pointer.exists():
        raise ArtifactError(
            f"{folder}: missing; get it by `dvc pull {pointer}`, or train from nothing: "
            "python -m stages.init --clear"
        )
    return None


def past_curves(agent: Path) -> dict[str, pd.DataFrame]:
    """Training curves that an agent brings along, by component; empty where it has none.

    Raises:
        ArtifactError: only some of the files are there, or one is not a table of curves.
    """
    curves = {}
    if (agent / "curves").is_dir():
        for component in COMPONENTS:
            file = agent / "curves" / f"{component}.csv"
            try:
                curves[component] = pd.read_csv(file)
                curves[component][["epoch", "step"]].astype(int)
            except (OSError, ValueError, KeyError) as error:
                reason = str(error).splitlines()[0]
                raise ArtifactError(
                    f"{file}: missing or damaged ({reason}); restore it, or delete the folder {file.parent}"
                ) from None
    return curves


def copy_agent(agent: Path, out: Path) -> None:
    """Copies an agent to an existing folder, to the last bit, with its curves if it has some."""
    for name in (CONFIG, WEIGHTS):
        shutil.copyfile(agent / name, out / name)
    if (agent / "curves").is_dir():
        shutil.copytree(agent / "curves", out / "curves", copy_function=shutil.copyfile)
