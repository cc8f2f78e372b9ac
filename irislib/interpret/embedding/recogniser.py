"""data/embedder: a network that tells what windows of a world's frames show, as a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from irislib.errors import ArtifactError
from irislib.interpret.embedding.resnet import build_resnet50, learned_projection
from irislib.weights_folder import MISFITS, WeightsFolder

FOLDER = WeightsFolder(
    schema="irislib/embedder",
    version=3,
    noun="an embedder",
    remedy="pull it, or delete it and run the embedder stage again",
)


@dataclass(frozen=True)
class Recogniser:
    """A network and how it was trained.

    Attributes:
        net: logits of the labels, for windows as `resnet.prepare` makes them; in evaluation mode.
        width: see `build_resnet50`.
        size: side that windows were resized to, in pixels.
        labels: what its outputs stand for; one name may stand for several.
    """

    net: nn.Module
    width: int
    size: int
    labels: tuple[str, ...]


def save_recogniser(
    net: nn.Module, width: int, size: int, labels: Sequence[str], steps: int, folder: Path
) -> None:
    """Writes model.safetensors, with weights rounded to float16, and config.json into a folder.

    Args:
        steps: of training; 0 says that the network is untrained.
    """
    features = learned_projection(net).out_features
    about = {"width": width, "size": size, "features": features, "labels": list(labels), "steps": steps}
    FOLDER.write(folder, net.state_dict(), about, torch.float16)


def load_recogniser(path: Path, untrained: int | None = None) -> Recogniser:
    """Reads what the embedder stage wrote, on the CPU, in float32.

    Args:
        path: its folder, with config.json and model.safetensors.
        untrained: leaves the network as it is initialised with this seed; by default it is as trained.

    Raises:
        ArtifactError: it is missing, foreign or damaged, its weights are not finite, or they are asked for
            and were never trained.
    """
    about = FOLDER.read_config(path)
    weights = FOLDER.read_weights(path) if untrained is None else {}
    try:
        labels = tuple(about["labels"])
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(untrained or 0)
            net = build_resnet50(about["width"], about["features"], len(labels))
        if weights:
            net.load_state_dict(weights)
        trained = about["steps"] > 0
        found = Recogniser(net.eval(), about["width"], about["size"], labels)
    except MISFITS as error:
        raise FOLDER.damaged(path, error) from None
    if untrained is None and not trained:
        raise ArtifactError(
            f"{path}: is untrained; set embed.weights and compare.weights to random or imagenet, "
            "or train it (embedder.steps)"
        )
    return found


def read_features(path: Path) -> int:
    """How many features an embedder gives. Raises ArtifactError as `load_recogniser` does."""
    try:
        return int(FOLDER.read_config(path)["features"])
    except MISFITS as error:
        raise FOLDER.damaged(path, error) from None
