"""Features of the distinct crops (protocol step 6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge
from numcodecs import BitRound

from irislib.artifacts import Store, open_store, writing
from irislib.errors import ArtifactError
from irislib.interpret.pixels import cut_crops, find_identical
from irislib.interpret.resnet import CALIBRATION, Embedder, imagenet_resnet50, random_resnet50
from irislib.params import STRICT, require
from irislib.runtime import progress
from irislib.seeding import stream_seed
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.rollouts import ROLLOUTS

MANTISSA_BITS = 3  # of float16's 10, for a store of half the size; cosines move by less than 0.003

# How `embed.weights` makes an embedder: of the side crops are resized to, a seed, and a sample of the crops.
EMBEDDERS = {"random": random_resnet50, "imagenet": imagenet_resnet50}


@dataclass(frozen=True)
class EmbedConfig:
    """The `embed` section.

    Attributes:
        weights: a key of `EMBEDDERS`.
        size: side that crops are resized to, in pixels.
        batch_size: crops embedded at once; results may depend on it by rounding alone.
    """

    __pydantic_config__ = STRICT
    weights: str
    size: Annotated[int, Ge(32)]
    batch_size: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        require(
            self.weights in EMBEDDERS, "weights", f"must be {' or '.join(EMBEDDERS)}, not {self.weights!r}"
        )


def embed_crops(config: EmbedConfig, seed: int, rollouts: Path, crops: Path, out: Path) -> None:
    """Writes embeddings.zarr: distinct crops in the order in which play first shows them.

    Raises:
        ParamError: the weights cannot be had.
        ArtifactError: a store is missing or damaged, or the crops are not of these rollouts.
    """
    play, boxes = open_store(rollouts, ROLLOUTS), open_store(crops, CROPS)
    step, box = _read_boxes(play, boxes)
    in_time = np.argsort(step, kind="stable")
    step, box = step[in_time], box[in_time]

    cut = cut_crops(play, step, box)
    group, first = find_identical(progress(cut, desc="identical crops", total=len(step), unit="crop"))
    crop_embedding = np.empty_like(group)
    crop_embedding[in_time] = group
    step, box = step[first], box[first]

    sample = np.linspace(0, len(step) - 1, min(len(step), CALIBRATION)).round().astype(np.int64)
    embedder = EMBEDDERS[config.weights](
        config.size, stream_seed(seed, "embed"), cut_crops(play, step[sample], box[sample])
    )
    attrs = {
        "weights": config.weights,
        "size": config.size,
        "mantissa_bits": MANTISSA_BITS,
        "feature": embedder.feature,
    }
    with writing(out, EMBEDDINGS, attrs) as writer:
        writer.append(crop_embedding=crop_embedding)
        for features in _embed(embedder, cut_crops(play, step, box), len(step), config.batch_size):
            writer.append(embedding=_rounded(features))


def _read_boxes(play: Store, crops: Store) -> tuple[np.ndarray, np.ndarray]:
    step, box = crops.read("crop_step"), crops.read("crop_box")
    frame = play.array("obs").shape[1:3]
    if tuple(crops.attrs["frame_size"]) != frame or (step.size and int(step.max()) >= len(play)):
        raise ArtifactError(f"{crops.path}: does not belong to {play.path}; run the crop stage again")
    return step, box


def _rounded(features: np.ndarray) -> np.ndarray:
    """Float16 features with the last bits of their mantissas rounded away."""
    half = features.astype(np.float16)
    codec = BitRound(keepbits=MANTISSA_BITS)
    rounded: np.ndarray = codec.decode(codec.encode(half)).view(np.float16).reshape(half.shape)
    return rounded


def _embed(
    embedder: Embedder, crops: Iterator[np.ndarray], total: int, batch_size: int
) -> Iterator[np.ndarray]:
    """Features batch by batch, float32 [<=batch_size,F]; without crops one batch of none."""
    if total == 0:
        yield np.zeros((0, embedder.dimension), np.float32)
    with progress(desc="embed", total=total, unit="crop") as bar:
        while batch := list(islice(crops, batch_size)):
            yield embedder(batch)
            bar.update(len(batch))
