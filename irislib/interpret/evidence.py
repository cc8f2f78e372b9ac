"""What the later steps of the protocol read from the stores, checked to belong together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int, Real
from scipy import sparse

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.stores.crops import ELSEWHEN, OWN, RANDOM


@dataclass(frozen=True)
class Maps:
    """Which occurrence has which map.

    An occurrence is an observation and a code in its grid. Several occurrences can share one map.

    Attributes:
        codes: K, the size of the codebook.
        episode: of each observation, from 0 without gaps.
        code: int32, the code of each map.
        nonempty: the map has a value above 0 after the ReLU (docs/protocol.md, step 4).
        nonzero: the map has a value other than 0 before the ReLU.
        occurrence_step: int32, the observation of each occurrence; they are ordered by step, then code.
        occurrence_map: int32, the map of each occurrence.
    """

    codes: int
    episode: Int[np.ndarray, " steps"]
    code: Int[np.ndarray, " maps"]
    nonempty: Bool[np.ndarray, " maps"]
    nonzero: Bool[np.ndarray, " maps"]
    occurrence_step: Int[np.ndarray, " occurrences"]
    occurrence_map: Int[np.ndarray, " occurrences"]

    @property
    def steps(self) -> int:
        """Number of observations, T."""
        return len(self.episode)

    @cached_property
    def occurrence_code(self) -> Int[np.ndarray, " occurrences"]:
        """The code of each occurrence, int32."""
        return np.take(self.code, self.occurrence_map)

    @cached_property
    def occurrence_nonempty(self) -> Bool[np.ndarray, " occurrences"]:
        """Whether the map of each occurrence is not empty."""
        return np.take(self.nonempty, self.occurrence_map)

    @cached_property
    def nonempty_by_code(self) -> Int[np.ndarray, " nonempty"]:
        """Rows of the occurrences whose map is not empty, int64, ordered by code, then step."""
        rows = np.flatnonzero(self.occurrence_nonempty)
        by_code: np.ndarray = rows[np.argsort(self.occurrence_code[rows], kind="stable")]
        return by_code

    @cached_property
    def presence(self) -> sparse.csr_array:
        """int64 [T,K], 1 where a code's map is not empty."""
        rows = np.flatnonzero(self.occurrence_nonempty)
        where = (self.occurrence_step[rows], self.occurrence_code[rows])
        return sparse.csr_array((np.ones(len(rows), np.int64), where), shape=(self.steps, self.codes))


@dataclass(frozen=True)
class Crops:
    """N crops of codes, each with two counterparts of the same size (docs/protocol.md, step 5).

    Attributes:
        regions: number of regions that the crops were drawn from.
        code, step, episode: int32, of each crop.
        box: int16, (y0, x0, y1, x1) of each crop in pixels, half open.
        own: int32, the row of `embedding` of each crop; crops with the same pixels share a row.
        random: int32, the row of `embedding` of the random counterpart: the box, moved by whole token patches
            in the same observation.
        elsewhen: int32, the row of `embedding` of the elsewhen counterpart: the same box in an observation of
            another episode; -1 where there is none.
        own_from: int32, the episode of each crop's frame: `episode`, but for crops that were exchanged.
        elsewhen_from: int32, the episode of the elsewhen counterpart's frame; -1 where there is none.
        embedding: features of the distinct crops, of which only the direction counts; int8 in the store.
    """

    regions: int
    code: Int[np.ndarray, " crops"]
    step: Int[np.ndarray, " crops"]
    episode: Int[np.ndarray, " crops"]
    box: Int[np.ndarray, "crops 4"]
    own: Int[np.ndarray, " crops"]
    random: Int[np.ndarray, " crops"]
    elsewhen: Int[np.ndarray, " crops"]
    own_from: Int[np.ndarray, " crops"]
    elsewhen_from: Int[np.ndarray, " crops"]
    embedding: Real[np.ndarray, "distinct features"]

    def units(self, rows: Int[np.ndarray, " n"]) -> Float64[np.ndarray, "n features"]:
        """The features in some rows of `embedding`, scaled to length 1."""
        vectors = self.embedding[rows].astype(np.float64)
        units: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return units


def read_maps(rollouts: Store, heatmaps: Store) -> Maps:
    """Reads which occurrence has which map.

    Args:
        rollouts: recorded play.
        heatmaps: store of its maps: heatmaps.zarr or changes.zarr.

    Raises:
        ArtifactError: there are no observations, the heatmaps are of other rollouts, or a map has a value
            that is not finite.
    """
    attrs = heatmaps.attrs
    if len(rollouts) == 0:
        raise ArtifactError(f"{rollouts.path}: holds no steps; run the rollout stage again")
    _check(attrs["steps"] == len(rollouts), heatmaps, rollouts)
    _check(attrs["codebook_size"] == rollouts.attrs["codebook_size"], heatmaps, rollouts)
    high = heatmaps.read("map_raw_max")
    # A change is never negative, so changes.zarr has no minimum.
    low = heatmaps.read("map_raw_min") if "map_raw_min" in heatmaps.schema.arrays else high
    # The extremes of a map with a NaN are NaN.
    if not (np.isfinite(high).all() and np.isfinite(low).all()):
        raise ArtifactError(
            f"{heatmaps.path}: holds maps that are not finite (a fault of the tokenizer's weights?); "
            f"mend the tokenizer and run the {heatmaps.schema.stage} stage again"
        )
    _, episode = np.unique(rollouts.read("episode"), return_inverse=True)
    maps = Maps(
        codes=int(attrs["codebook_size"]),
        episode=episode.astype(np.int32),
        code=heatmaps.read("map_code"),
        # The map is the ReLU of the raw map, so the raw maximum decides.
        nonempty=high > 0,
        nonzero=(high != 0) | (low != 0),
        occurrence_step=heatmaps.read("occurrence_step"),
        occurrence_map=heatmaps.read("occurrence_map"),
    )
    _check(_within(maps.occurrence_step, maps.steps) and _within(maps.code, maps.codes), heatmaps, rollouts)
    return maps


def read_crops(crops: Store, embeddings: Store, changes: Store, maps: Maps) -> Crops:
    """Reads the crops with their features.

    Args:
        crops: store of the crops.
        embeddings: store of their features.
        changes: store of the maps that the crops were drawn from.
        maps: which occurrence has which of these maps.

    Raises:
        ArtifactError: the crops are of other maps or the embeddings of other crops; a crop does not have
            exactly one random counterpart, or has two elsewhen counterparts; a feature vector is zero.
    """
    code, step, kind = crops.read("crop_code"), crops.read("crop_step"), crops.read("crop_kind")
    match, row, embedding = (
        crops.read("crop_match"),
        embeddings.read("crop_embedding"),
        embeddings.read("embedding"),
    )
    _check(_within(crops.read("region_map"), len(changes)), crops, changes)
    _check(_within(step, maps.steps) and _within(code, maps.codes), crops, changes)
    _check(len(row) == len(code) and _within(row, len(embedding)), embeddings, crops)
    if not embedding.any(axis=1).all():
        raise ArtifactError(f"{embeddings.path}: holds features that are zero; run the embed stage again")

    own = np.flatnonzero(kind == OWN)

    def counterparts(of_kind: int, values: np.ndarray) -> Int[np.ndarray, " crops"]:
        rows = np.flatnonzero(kind == of_kind)
        place = np.searchsorted(own, match[rows])
        fits = np.array_equal(np.append(own, -1)[place], match[rows]) and len(np.unique(place)) == len(rows)
        _check(fits, crops, changes)
        found = np.full(len(own), -1, values.dtype)
        found[place] = values[rows]
        return found

    random, episode = counterparts(RANDOM, row), maps.episode[step]
    _check(bool((random >= 0).all()), crops, changes)
    return Crops(
        regions=len(crops),
        code=code[own],
        step=step[own],
        episode=episode[own],
        box=crops.read("crop_box")[own],
        own=row[own],
        random=random,
        elsewhen=counterparts(ELSEWHEN, row),
        own_from=episode[own],
        elsewhen_from=counterparts(ELSEWHEN, episode),
        embedding=embedding,
    )


def _within(index: np.ndarray, length: int) -> bool:
    return index.size == 0 or (int(index.min()) >= 0 and int(index.max()) < length)


def _check(fits: bool, store: Store, source: Store) -> None:
    if not fits:
        raise ArtifactError(
            f"{store.path}: does not belong to {source.path}; run the {store.schema.stage} stage again"
        )
