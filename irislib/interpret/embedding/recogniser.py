"""data/embedder: a trained network that tells what Crafter's windows show, as a folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from irislib.errors import ArtifactError
from irislib.interpret.embedding.resnet import build_resnet50

SCHEMA = "irislib/embedder"
VERSION = 1
REMEDY = "pull it, or delete it and run the embedder stage again"


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


def save_recogniser(net: nn.Module, width: int, size: int, labels: Sequence[str], folder: Path) -> None:
    """Writes model.safetensors, half of the bytes as float16, and config.json into a folder."""
    weights = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in net.state_dict().items()
    }
    save_file(weights, folder / "model.safetensors")
    about = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "width": width,
        "size": size,
        "labels": list(labels),
    }
    (folder / "config.json").write_text(json.dumps(about, indent=2) + "\n")


def load_recogniser(path: Path, untrained: int | None = None) -> Recogniser:
    """Reads what the embedder stage wrote, on the CPU, in float32.

    Args:
        path: its folder, with config.json and model.safetensors.
        untrained: leaves the network as it is initialised with this seed; by default it is as trained.

    Raises:
        ArtifactError: it is missing, foreign or damaged.
    """
    try:
        about = json.loads((path / "config.json").read_text())
        found = (about["schema"], about["schema_version"])
        if found != (SCHEMA, VERSION):
            raise ArtifactError(
                f"{path}: holds {found[0]!r} version {found[1]}, not {SCHEMA!r} version {VERSION}; {REMEDY}"
            )
        labels = tuple(about["labels"])
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(untrained or 0)
            net = build_resnet50(about["width"], len(labels))
        if untrained is None:
            net.load_state_dict(load_file(path / "model.safetensors"))
        return Recogniser(net.eval(), about["width"], about["size"], labels)
    except FileNotFoundError as error:
        missing = Path(error.filename or path / "model.safetensors")
        raise ArtifactError(f"{missing}: missing; {REMEDY}") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArtifactError(f"{path}: damaged or not an embedder ({reason}); {REMEDY}") from None
