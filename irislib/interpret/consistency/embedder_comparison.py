"""The headline under each embedder: does it hang on how crops are embedded?"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from irislib.artifacts import open_store
from irislib.errors import ParamError
from irislib.interpret.consistency.codes import score_codes
from irislib.interpret.consistency.monosemanticity import crop_activation
from irislib.interpret.consistency.same_place import score_places
from irislib.interpret.embedding.embed import EmbedConfig, make_network, read_distinct, unknown
from irislib.interpret.embedding.label_retrieval import crop_shares, neighbour_overlap
from irislib.interpret.embedding.resnet import Embedder
from irislib.interpret.embedding.weights import EMBEDDERS
from irislib.interpret.evidence import read_crops, read_maps
from irislib.interpret.metrics import MetricsConfig
from irislib.interpret.summaries import consistency_metrics
from irislib.params import STRICT, require
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.workdir import write_atomically

# Of `consistency_metrics`.
HEADLINE = (
    *("codes_tested", "codes_consistent", "codes_consistent_beyond_place"),
    *("mean_cosine_codes", "mean_cosine_random", "mean_cosine_same_place"),
    *("median_difference", "median_effect_size"),
)


@dataclass(frozen=True)
class CompareConfig:
    """The `compare` section.

    Attributes:
        weights: keys of `EMBEDDERS`, a row of the table each.
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
    heatmaps: Path,
    crops: Path,
    embeddings: Path,
    out: Path,
) -> None:
    """Writes embedders.csv, a row an embedder.

    The one that embeddings.zarr was made with is read from there; the others embed the same distinct crops,
    rounded alike, in memory.

    Columns: weights; size (that crops are resized to, pixels); dimension (of the features); those of
    `consistency_metrics` in `HEADLINE`; label_overlap and label_overlap_chance (see `neighbour_overlap`).

    Args:
        config: the `compare` section.
        embed: the `embed` section.
        metrics: the `metrics` section, for its tests.
        seed: the pipeline's.
        embedder: folder of the embedder stage.
        rollouts: store of recorded play.
        heatmaps: store of the maps of these rollouts.
        crops: store of the crops under these maps.
        embeddings: store of the features of these crops.
        out: folder that receives the table, whole or not at all.

    Raises:
        ParamError: ImageNet's weights cannot be had.
        ArtifactError: an input is missing, foreign or damaged, or they do not belong together.
    """
    play, drawn, boxes = (
        open_store(rollouts, ROLLOUTS),
        open_store(heatmaps, HEATMAPS),
        open_store(crops, CROPS),
    )
    stored, maps = open_store(embeddings, EMBEDDINGS), read_maps(play, drawn)
    cut, distinct = read_crops(boxes, stored, drawn, maps), read_distinct(play, boxes, stored)
    # All of them first: what cannot be had is told before the work begins.
    networks = {
        weights: _make_network(weights, embed, seed, embedder)
        for weights in config.weights
        if weights != stored.attrs["weights"]
    }
    shares = crop_shares(play, distinct.step, distinct.box)
    activation = crop_activation(drawn, maps, cut)
    box = boxes.read("crop_box")[~boxes.read("crop_random")]
    tests = (maps.codes, seed, metrics.alpha, metrics.permutations, metrics.min_crops)
    rows = []
    for weights in config.weights:
        if weights in networks:
            network = networks[weights]
            features = distinct.embed(network, embed.batch_size, f"embed, {weights}")
            size, embedding = network.size, np.concatenate(list(features))
        else:
            size, embedding = stored.attrs["size"], cut.embedding
        mine = replace(cut, embedding=embedding)
        found = consistency_metrics(
            score_codes(mine, activation, *tests), score_places(mine, box, *tests), metrics.alpha
        )
        overlap, chance = neighbour_overlap(embedding, shares, maps.episode[distinct.step])
        row: dict[str, Any] = {"weights": weights, "size": size, "dimension": embedding.shape[1]}
        row |= {name: found[name] for name in HEADLINE}
        rows.append(row | {"label_overlap": overlap, "label_overlap_chance": chance})
    out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows).to_csv(index=False, float_format="%.6g")
    write_atomically(out / "embedders.csv", table.encode())


def _make_network(weights: str, embed: EmbedConfig, seed: int, embedder: Path) -> Embedder:
    try:
        return make_network(weights, embed, seed, embedder)
    except ParamError as error:
        raise ParamError(f"compare.weights: {str(error).removeprefix('embed.weights: ')}") from None
