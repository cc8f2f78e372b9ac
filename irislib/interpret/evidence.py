"""The stores as the last steps of the protocol read them, checked to belong together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from irislib.artifacts import Store
from irislib.errors import ArtifactError

Array = np.ndarray


@dataclass(frozen=True)
class Maps:
    """Who has which map. U maps, P present pairs (observation, code), T observations, K codes.

    Attributes:
        codes: K.
        episode: int32 [T], the episode of each observation.
        code: int32 [U], the code of each map.
        nonempty: bool [U], the map has a value above 0 (protocol step 4).
        nonzero: bool [U], the map is not zero everywhere before the ReLU.
        occurrence_step, occurrence_map: int32 [P].
    """

    codes: int
    episode: Array
    code: Array
    nonempty: Array
    nonzero: Array
    occurrence_step: Array
    occurrence_map: Array

    @property
    def steps(self) -> int:
        """T."""
        return len(self.episode)

    @cached_property
    def occurrence_code(self) -> Array:
        """The code of each pair, int32 [P]."""
        return np.take(self.code, self.occurrence_map)

    @cached_property
    def occurrence_nonempty(self) -> Array:
        """Whether each pair's map is not empty, bool [P]."""
        return np.take(self.nonempty, self.occurrence_map)


@dataclass(frozen=True)
class Crops:
    """N crops of codes, each matched with one random crop of the same size from the same frame.

    Attributes:
        regions: connected components behind the crops.
        code, step, episode: int32 [N].
        own: int32 [N], the row of `embedding` for each crop; crops with the same pixels share it.
        random: int32 [N], the row for its random counterpart.
        embedding: float16 [D,F].
    """

    regions: int
    code: Array
    step: Array
    episode: Array
    own: Array
    random: Array
    embedding: Array

    def units(self, rows: Array) -> Array:
        """Unit vectors, float64 [len(rows),F], for rows of `embedding`."""
        vectors = self.embedding[rows].astype(np.float64)
        units: Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return units


def read_maps(rollouts: Store, heatmaps: Store) -> Maps:
    """Reads the pairs and what is known of their maps.

    Raises:
        ArtifactError: there are no observations, or the heatmaps are of other rollouts.
    """
    attrs = heatmaps.attrs
    if len(rollouts) == 0:
        raise ArtifactError(f"{rollouts.path}: holds no steps; run the rollout stage again")
    _check(attrs["steps"] == len(rollouts), heatmaps, rollouts)
    _check(attrs["codebook_size"] == rollouts.attrs["codebook_size"], heatmaps, rollouts)
    high, low = heatmaps.read("map_raw_max"), heatmaps.read("map_raw_min")
    maps = Maps(
        codes=int(attrs["codebook_size"]),
        episode=rollouts.read("episode"),
        code=heatmaps.read("map_code"),
        # The map is the ReLU of the raw map, so its largest value tells both.
        nonempty=high > 0,
        nonzero=(high != 0) | (low != 0),
        occurrence_step=heatmaps.read("occurrence_step"),
        occurrence_map=heatmaps.read("occurrence_map"),
    )
    _check(_within(maps.occurrence_step, maps.steps) and _within(maps.code, maps.codes), heatmaps, rollouts)
    return maps


def read_crops(crops: Store, embeddings: Store, heatmaps: Store, maps: Maps) -> Crops:
    """Reads the crops with their embeddings.

    Raises:
        ArtifactError: the crops are of other heatmaps or the embeddings of other crops; a crop has not
            exactly one random counterpart; an embedding has no direction (zero or not finite).
    """
    code, step = crops.read("crop_code"), crops.read("crop_step")
    is_random, match = crops.read("crop_random"), crops.read("crop_match")
    row, embedding = embeddings.read("crop_embedding"), embeddings.read("embedding")
    _check(_within(crops.read("region_map"), len(heatmaps)), crops, heatmaps)
    _check(_within(step, maps.steps) and _within(code, maps.codes), crops, heatmaps)
    _check(len(row) == len(code) and _within(row, len(embedding)), embeddings, crops)
    squares = np.einsum("df,df->d", embedding, embedding, dtype=np.float64)
    if not np.all(np.isfinite(squares) & (squares > 0)):
        reason = "holds a vector without a direction (zero, or not finite)"
        raise ArtifactError(f"{embeddings.path}: {reason}; run the embed stage again")

    own, random = np.flatnonzero(~is_random), np.flatnonzero(is_random)
    random = random[np.argsort(match[random], kind="stable")]
    _check(np.array_equal(match[random], own), crops, heatmaps)
    return Crops(
        regions=len(crops),
        code=code[own],
        step=step[own],
        episode=maps.episode[step[own]],
        own=row[own],
        random=row[random],
        embedding=embedding,
    )


def _within(index: Array, length: int) -> bool:
    return index.size == 0 or (int(index.min()) >= 0 and int(index.max()) < length)


def _check(fits: bool, store: Store, source: Store) -> None:
    if not fits:
        raise ArtifactError(
            f"{store.path}: does not belong to {source.path}; run the {store.schema.stage} stage again"
        )
