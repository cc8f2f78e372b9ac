"""Features of the distinct crops (protocol step 6)."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge
from jaxtyping import Float, Int, Int8

from irislib.artifacts import Store, open_store, writing
from irislib.device import one_thread, pick_device
from irislib.errors import ArtifactError, IrislibError
from irislib.interpret.crops.pixels import cut_crops, find_identical
from irislib.interpret.embedding.resnet import Embedder
from irislib.interpret.embedding.weights import EMBEDDERS
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.params import STRICT, require
from irislib.runtime import progress, workers
from irislib.seeding import stream_seed
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.rollouts import ROLLOUTS

CALIBRATION = 512  # crops that an embedder may adapt to
LARGEST = 127  # of int8

Batch = list[np.ndarray]  # crops u8 [y,x,3]


@dataclass(frozen=True)
class EmbedConfig:
    """The `embed` section.

    Attributes:
        weights: a key of `EMBEDDERS`.
        imagenet_size: side that crops are resized to for `imagenet`, in pixels; the others take the size
            that the embedder was trained with.
        batch_size: crops embedded at once; it changes results by rounding errors only.
    """

    __pydantic_config__ = STRICT
    weights: str
    imagenet_size: Annotated[int, Ge(32)]
    batch_size: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        require(self.weights in EMBEDDERS, "weights", unknown(self.weights))


def unknown(weights: str) -> str:
    """What to say of weights that are not known."""
    return f"must be {' or '.join(EMBEDDERS)}, not {weights!r}"


@dataclass(frozen=True)
class Distinct:
    """The distinct crops, in the order in which play first shows them.

    Attributes:
        play: the frames.
        step, box: observation and rectangle (y0, x0, y1, x1) that each is cut from.
    """

    play: Store
    step: Int[np.ndarray, " distinct"]
    box: Int[np.ndarray, "distinct 4"]

    def embed(self, network: Embedder, batch_size: int, desc: str) -> Iterator[np.ndarray]:
        """Their features, int8 (see `rounded`), batch by batch; the same for any number of workers.

        Args:
            network: a new embedder; it is calibrated on a sample of the crops.
            batch_size: crops in a batch.
            desc: of the work, for the progress bar.

        Raises:
            IrislibError: a feature vector is zero or not finite.
        """
        total = len(self.step)
        sample = evenly_spaced(total, CALIBRATION)
        with one_thread():
            network.calibrate(list(cut_crops(self.play, self.step[sample], self.box[sample])))
        if total == 0:
            yield np.zeros((0, network.dimension), np.int8)
        crops = cut_crops(self.play, self.step, self.box)
        batches = iter(lambda: list(islice(crops, batch_size)), [])
        threads = workers() if pick_device().type == "cpu" else 1
        with progress(desc=desc, total=total, unit="crop") as bar:
            for features in _side_by_side(network, batches, threads):
                yield rounded(features)
                bar.update(len(features))


def find_distinct(
    play: Store, step: Int[np.ndarray, " crop"], box: Int[np.ndarray, "crop 4"]
) -> tuple[Distinct, Int[np.ndarray, " crop"]]:
    """The distinct ones among crops, and which of them each crop is, int32.

    Args:
        play: the frames.
        step, box: observation and rectangle (y0, x0, y1, x1) of each crop.
    """
    in_time = np.argsort(step, kind="stable")
    step, box = step[in_time], box[in_time]
    cut = cut_crops(play, step, box)
    group, first = find_identical(iter(progress(cut, desc="identical crops", total=len(step), unit="crop")))
    row = np.empty_like(group)
    row[in_time] = group
    return Distinct(play, step[first], box[first]), row


def make_network(weights: str, config: EmbedConfig, seed: int, path: Path) -> Embedder:
    """An embedder.

    Args:
        weights: a key of `EMBEDDERS`.
        config: the rest of the `embed` section.
        seed: the pipeline's.
        path: data/embedder.

    Raises:
        ParamError: ImageNet's weights cannot be had.
        ArtifactError: data/embedder is missing, foreign or damaged.
    """
    return EMBEDDERS[weights](path, config.imagenet_size, stream_seed(seed, "embed"))


def embed_crops(
    config: EmbedConfig, seed: int, rollouts: Path, crops: Path, embedder: Path, out: Path
) -> None:
    """Writes embeddings.zarr: distinct crops in the order in which play first shows them.

    Raises:
        ParamError: the weights cannot be had.
        ArtifactError: an input is missing or damaged, or the crops are not of these rollouts.
        IrislibError: a feature vector is zero or not finite.
    """
    play, boxes = open_store(rollouts, ROLLOUTS), open_store(crops, CROPS)
    step, box = read_boxes(play, boxes)
    network = make_network(config.weights, config, seed, embedder)
    distinct, crop_embedding = find_distinct(play, step, box)

    attrs: dict[str, Any] = {
        "weights": config.weights,
        "size": network.size,
        "feature": network.feature,
    }
    with writing(out, EMBEDDINGS, attrs) as writer:
        writer.append(crop_embedding=crop_embedding)
        for batch in distinct.embed(network, config.batch_size, f"embed, {config.weights}"):
            writer.append(embedding=batch)


def read_boxes(play: Store, crops: Store) -> tuple[Int[np.ndarray, " crop"], Int[np.ndarray, "crop 4"]]:
    """Observation and rectangle of every crop. Raises ArtifactError where they are not of this play."""
    step, box = crops.read("crop_step"), crops.read("crop_box")
    frame = play.array("obs").shape[1:3]
    if tuple(crops.attrs["frame_size"]) != frame or (step.size and int(step.max()) >= len(play)):
        raise ArtifactError(f"{crops.path}: does not belong to {play.path}; run the crop stage again")
    return step, box


def read_distinct(play: Store, crops: Store, embeddings: Store) -> Distinct:
    """The crops behind the rows of an embeddings.zarr. Raises ArtifactError where they do not fit."""
    step, box = read_boxes(play, crops)
    row = embeddings.read("crop_embedding")
    if len(row) != len(step):
        raise ArtifactError(f"{embeddings.path}: does not belong to {crops.path}; run the embed stage again")
    in_time = np.argsort(step, kind="stable")
    _, first = np.unique(row[in_time], return_index=True)
    return Distinct(play, step[in_time][first], box[in_time][first])


def rounded(features: Float[np.ndarray, "n feature"]) -> Int8[np.ndarray, "n feature"]:
    """The directions of features: unit vectors times `LARGEST`, rounded.

    Raises:
        IrislibError: a feature vector is zero or not finite.
    """
    vectors = features.astype(np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        raise IrislibError(
            "embed.weights: the network gives features that are zero or not finite; use other weights, or "
            "train the embedder again"
        )
    directions: np.ndarray = np.rint(LARGEST * (vectors / length)).astype(np.int8)
    return directions


def _side_by_side(
    compute: Callable[[Batch], np.ndarray], batches: Iterator[Batch], threads: int
) -> Iterator[np.ndarray]:
    """What `compute` makes of each batch, in order; few batches are in memory at once.

    Torch's own kernels use one thread for a batch, so that the result does not depend on `threads`.
    """
    with one_thread(), ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        pending: deque[Future[np.ndarray]] = deque()
        for batch in batches:
            pending.append(pool.submit(compute, batch))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
