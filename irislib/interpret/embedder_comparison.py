"""The compare stage: does the consistency of codes depend on how crops are embedded?"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from irislib.artifacts import open_store
from irislib.errors import ParamError
from irislib.interpret.confirmation.halves import divide
from irislib.interpret.consistency.measure import measure_consistency
from irislib.interpret.consistency.monosemanticity import crop_activation
from irislib.interpret.embedding.embed import EmbedConfig, make_network, read_distinct, unknown
from irislib.interpret.embedding.label_retrieval import crop_shares, neighbour_overlap
from irislib.interpret.embedding.resnet import Embedder
from irislib.interpret.embedding.weights import EMBEDDERS
from irislib.interpret.evidence import read_crops, read_maps
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.tables import write_tables
from irislib.params import STRICT, require
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.rollouts import ROLLOUTS

# Of the summary of `measure_consistency`.
SUMMARY = (
    *("tested", "confirmed", "low", "high", "null"),
    *("mean_cosine", "mean_cosine_elsewhen", "median_difference"),
)


@dataclass(frozen=True)
class CompareConfig:
    """The `compare` section.

    Attributes:
        weights: keys of `EMBEDDERS`, one for each row of the table.
    """

    __pydantic_config__ = STRICT
    weights: tuple[str, ...]

    def __post_init__(self) -> None:
        require(len(self.weights) > 0, "weights", "name one at least")
        require(len(set(self.weights)) == len(self.weights), "weights", "name each once")
        for name in self.weights:
            require(name in EMBEDDERS, "weights", unknown(name))


def compare_embedders(
    config: CompareConfig,
    embed: EmbedConfig,
    metrics: MetricsConfig,
    seed: int,
    embedder: Path,
    rollouts: Path,
    changes: Path,
    crops: Path,
    embeddings: Path,
    out: Path,
) -> None:
    """Writes embedders.csv, one row for each embedder.

    The features of the embedder that embeddings.zarr was made with are read from there. The other embedders
    embed the same distinct crops in memory, with features rounded in the same way.

    Columns: weights; size (that crops are resized to, pixels); dimension (of the features); those of
    `SUMMARY` (see `measure_consistency`); label_overlap and label_overlap_chance (see `neighbour_overlap`).

    Args:
        config: the `compare` section.
        embed: the `embed` section.
        metrics: the `metrics` section, for its tests.
        seed: the pipeline's.
        embedder: folder of the embedder stage.
        rollouts: store of recorded play.
        changes: store of the change maps of these rollouts.
        crops: store of the crops under these maps.
        embeddings: store of the features of these crops.
        out: folder that receives the table, whole or not at all.

    Raises:
        ParamError: ImageNet's weights cannot be loaded.
        ArtifactError: an input is missing, foreign or damaged, or they do not belong together.
    """
    play, changed, boxes = (
        open_store(rollouts, ROLLOUTS),
        open_store(changes, CHANGES),
        open_store(crops, CROPS),
    )
    stored, maps = open_store(embeddings, EMBEDDINGS), read_maps(play, changed)
    cut, distinct = read_crops(boxes, stored, changed, maps), read_distinct(play, boxes, stored)
    # All of them first, so that missing weights are reported before the work begins.
    networks = {
        weights: _make_network(weights, embed, seed, embedder)
        for weights in config.weights
        if weights != stored.attrs["weights"]
    }
    halves = divide(len(np.unique(maps.episode)), seed)
    shares = crop_shares(play, distinct.step, distinct.box)
    activation = crop_activation(changed, maps, cut)
    rows = []
    for weights in config.weights:
        if weights in networks:
            network = networks[weights]
            features = distinct.embed(network, embed.batch_size, f"embed, {weights}")
            size, embedding = network.size, np.concatenate(list(features))
        else:
            size, embedding = stored.attrs["size"], cut.embedding
        mine = replace(cut, embedding=embedding)
        found = measure_consistency(mine, activation, maps.codes, halves, metrics, seed, whole=False).summary
        overlap, chance = neighbour_overlap(embedding, shares, maps.episode[distinct.step])
        row: dict[str, Any] = {"weights": weights, "size": size, "dimension": embedding.shape[1]}
        row |= {name: found[name] for name in SUMMARY}
        rows.append(row | {"label_overlap": overlap, "label_overlap_chance": chance})
    write_tables(out, {"embedders": pd.DataFrame(rows)})


def _make_network(weights: str, embed: EmbedConfig, seed: int, embedder: Path) -> Embedder:
    try:
        return make_network(weights, embed, seed, embedder)
    except ParamError as error:
        raise ParamError(f"compare.weights: {str(error).removeprefix('embed.weights: ')}") from None
