"""A training seen from outside while it runs: what its work folder says. Nothing that trains imports this."""

import io
from dataclasses import dataclass
from pathlib import Path

import torch

from irislib.errors import ArtifactError
from irislib.workdir import read_checked

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Epochs:
    """The epochs that a training has finished.

    Attributes:
        last: number of the latest.
        ended: when it ended, in seconds since 1970.
        curves: for each component, one row for each epoch, with `epoch`, `step` and the logged values.
    """

    last: int
    ended: float
    curves: dict[str, list[dict[str, float]]]


def newest_training(work: Path) -> Path | None:
    """The work folder of the training that did something last; None if none is at work, or was interrupted.

    Args:
        work: where half-done work is kept: `.work`, unless the stage was told otherwise.
    """
    found = []
    for folder in work.glob("train-*/"):
        try:
            found.append((folder.stat().st_mtime_ns, folder))
        except FileNotFoundError:
            continue  # it has just ended
    return max(found)[1] if found else None


def finished_epochs(folder: Path) -> Epochs | None:
    """What a training has logged so far; None before its first epoch has ended, and while its folder goes.

    Raises:
        ArtifactError: the checkpoint is damaged.
    """
    file = folder / CHECKPOINT
    try:
        ended = file.stat().st_mtime
        content = read_checked(file)
    except FileNotFoundError:
        return None
    except ArtifactError:
        if file.exists():
            raise
        return None
    # The weights come along, and are thrown away: a checkpoint cannot be read in part.
    state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return Epochs(int(state["epoch"]), ended, state["curves"])
