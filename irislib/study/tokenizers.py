"""The finished tokenizers of a cell as a folder: another measure then trains nothing again."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from irislib.artifacts import Store, digest, replacing
from irislib.baselines.patch_tokenizer import Patches
from irislib.device import one_thread
from irislib.errors import ArtifactError
from irislib.interpret.tokens.recording import read_recording
from irislib.study.arms import Arm
from irislib.study.config import KMeansConfig
from irislib.study.models import make_tokenizers
from irislib.tokenizers.checks import no_gradients
from irislib.tokenizers.make import make_tokenizer
from irislib.tokenizers.protocol import FrameTokenizer
from irislib.weights_folder import MISFITS, WeightsFolder

FOLDER = WeightsFolder(
    schema="irislib/study_tokenizers",
    version=1,
    noun="the tokenizers of a cell",
    remedy="delete it, then run the same command again",
)
CPU = torch.device("cpu")


def write_tokenizers(arm: Arm, seed: int, play: Store, out: Path) -> None:
    """Makes the tokenizers of a cell from the training episodes, and writes them as one folder.

    All is computed on one thread: the same bits for any number of cores.

    Args:
        arm: how they are made (`make_tokenizers`).
        seed: of all draws; `play` was recorded with it.
        play: recorded play (`stores.play.PLAY`).
        out: the folder.

    Raises:
        ParamError: the tokenizer does not fit the frames.
        ArtifactError: the play is damaged.
        IrislibError: training diverged.
    """
    training = read_recording(play, np.arange(int(play.attrs["training_episodes"])), seed)
    with one_thread():
        made = make_tokenizers(arm, training, seed)
    state = {f"{steps}.{name}": value for steps, one in made.items() for name, value in _state(one).items()}
    about = {"arm": arm.name, "seed": seed, "steps": sorted(made), "made_with": _made_with(arm, seed, play)}
    with replacing(out) as partial:
        FOLDER.write(partial, state, about, torch.float32)


def read_tokenizers(folder: Path, arm: Arm, seed: int, play: Store) -> dict[int, FrameTokenizer]:
    """The tokenizers of a cell by their gradient steps, ready for use, on the CPU.

    Args:
        folder: that `write_tokenizers` wrote.
        arm: of the cell.
        seed: of the cell.
        play: what they were made from.

    Raises:
        ArtifactError: the folder is missing, foreign or damaged, or they were made with other parameters.
    """
    about = FOLDER.read_config(folder)
    if about.get("made_with") != _made_with(arm, seed, play):
        raise ArtifactError(f"{folder}: made with other parameters or another seed; {FOLDER.remedy}")
    height, width = play.array("obs").shape[1:3]
    try:
        return {
            int(steps): _restored(arm, (height, width), FOLDER.read_weights(folder, f"{steps}."))
            for steps in about["steps"]
        }
    except MISFITS as error:
        raise FOLDER.damaged(folder, error) from None


def _state(tokenizer: FrameTokenizer) -> dict[str, Float[Tensor, "..."]]:
    assert isinstance(tokenizer, torch.nn.Module)
    return tokenizer.state_dict()


def _restored(arm: Arm, frame: tuple[int, int], state: dict[str, Tensor]) -> FrameTokenizer:
    model = arm.study.model
    if isinstance(model, KMeansConfig):
        patches: FrameTokenizer = no_gradients(Patches(state["centres"], model.grid(frame), frame), CPU)
        return patches
    with torch.random.fork_rng(devices=[]):
        made = make_tokenizer(arm.tokenizer, frame)
    made.load_state_dict(state)
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learned: FrameTokenizer = no_gradients(made, CPU)
    return learned


def _made_with(arm: Arm, seed: int, play: Store) -> str:
    values: list[Any] = [asdict(arm.tokenizer), asdict(arm.study), seed, play.attrs["made_with"]]
    return digest(values)
