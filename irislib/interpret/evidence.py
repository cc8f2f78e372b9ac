"""What the later steps of the protocol read from the stores, checked to belong together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from scipy import sparse

from irislib.artifacts import Store
from irislib.errors import ArtifactError


@dataclass(frozen=True)
class Maps:
    """Which occurrence has which map.

    An occurrence is an observation and a code in its grid. Several occurrences can share one map.

    Attributes:
        codes: K, the size of the codebook.
        episode: int32, the episode of each observation.
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
    """N crops of codes, each matched with one random crop of the same size from the same frame.

    Attributes:
        regions: number of regions that the crops were drawn from.
        code, step, episode: int32, of each crop.
        box: int16, (y0, x0, y1, x1) of each crop in pixels, half open.
        own: int32, the row of `embedding` of each crop; crops with the same pixels share a row.
        random: int32, the row of `embedding` of the matched random crop.
        embedding: float16, features of the distinct crops.
    """

    regions: int
    code: Int[np.ndarray, " crops"]
    step: Int[np.ndarray, " crops"]
    episode: Int[np.ndarray, " crops"]
    box: Int[np.ndarray, "crops 4"]
    own: Int[np.ndarray, " crops"]
    random: Int[np.ndarray, " crops"]
    embedding: Float[np.ndarray, "distinct features"]

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
    maps = Maps(
        codes=int(attrs["codebook_size"]),
        episode=rollouts.read("episode"),
        code=heatmaps.read("map_code"),
        # The map is the ReLU of the raw map, so the raw maximum decides.
        nonempty=high > 0,
        nonzero=(high != 0) | (low != 0),
        occurrence_step=heatmaps.read("occurrence_step"),
        occurrence_map=heatmaps.read("occurrence_map"),
    )
    _check(_within(maps.occurrence_step, maps.steps) and _within(maps.code, maps.codes), heatmaps, rollouts)
    return maps


def read_crops(crops: Store, embeddings: Store, heatmaps: Store, maps: Maps) -> Crops:
    """Reads the crops with their features.

    Raises:
        ArtifactError: the crops are of other heatmaps or the embeddings of other crops; a crop does not have
            exactly one random counterpart; a feature vector is zero or not finite.
    """
    code, step = crops.read("crop_code"), crops.read("crop_step")
    is_random, match = crops.read("crop_random"), crops.read("crop_match")
    row, embedding = embeddings.read("crop_embedding"), embeddings.read("embedding")
    _check(_within(crops.read("region_map"), len(heatmaps)), crops, heatmaps)
    _check(_within(step, maps.steps) and _within(code, maps.codes), crops, heatmaps)
    _check(len(row) == len(code) and _within(row, len(embedding)), embeddings, crops)
    squares = np.einsum("df,df->d", embedding, embedding, dtype=np.float64)
    if not np.all(np.isfinite(squares) & (squares > 0)):
        reason = "holds features that are zero or not finite"
        raise ArtifactError(f"{embeddings.path}: {reason}; run the embed stage again")

    own, random = np.flatnonzero(~is_random), np.flatnonzero(is_random)
    random = random[np.argsort(match[random], kind="stable")]
    _check(np.array_equal(match[random], own), crops, heatmaps)
    return Crops(
        regions=len(crops),
        code=code[own],
        step=step[own],
        episode=maps.episode[step[own]],
        box=crops.read("crop_box")[own],
        own=row[own],
        random=row[random],
        embedding=embedding,
    )


def _within(index: np.ndarray, length: int) -> bool:
    return index.size == 0 or (int(index.min()) >= 0 and int(index.max()) < length)


def _check(fits: bool, store: Store, source: Store) -> None:
    if not fits:
        raise ArtifactError(
            f"{store.path}: does not belong to {source.path}; run the {store.schema.stage} stage again"
        )
