"""Artifacts on disk: Zarr stores and folders that exist whole or not at all, and say what they are.

A store is a Zarr v3 directory, sharded along its first dimension so that it has tens of files however
many rows it holds (DVC's cost is per file). Its attributes carry the schema's name and version, what is
needed to interpret the arrays, and the size of every file, so that a torn copy is noticed at opening.
Bytes depend on the content alone: no timestamps, no host names.
"""

import hashlib
import json
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.abc.codec import BytesBytesCodec as Codec
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec
from zarr.errors import ZarrUserWarning

from irislib.errors import ArtifactError


@dataclass(frozen=True)
class Array:
    """One array of a store.

    Attributes:
        dtype: numpy name of the element type.
        dims: dimension names, the growing one first; arrays that share it have the same length.
        chunk: rows that are compressed together.
        shard: rows a file; a multiple of `chunk`.
        shuffle: sort the bytes by significance before compression, which suits rounded floats.
    """

    dtype: str
    dims: tuple[str, ...]
    chunk: int = 1024
    shard: int = 65536
    shuffle: bool = False

    @property
    def compressors(self) -> tuple[Codec, ...]:
        """Zstandard with a checksum, so that damage is noticed."""
        if self.shuffle:
            return BloscCodec(cname="zstd", clevel=5, shuffle="shuffle"), Crc32cCodec()
        return (ZstdCodec(level=5, checksum=True),)


@dataclass(frozen=True)
class Schema:
    """What a store holds, and which stage makes it (for the remedy in an error)."""

    name: str
    version: int
    stage: str
    arrays: Mapping[str, Array]


@dataclass
class StoreWriter:
    """Grows the arrays of a store row by row; see `writing`."""

    group: zarr.Group
    schema: Schema
    _pending: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def append(self, **rows: np.ndarray) -> None:
        """Adds rows to the named arrays. Raises ArtifactError for an unknown name or another dtype."""
        for name, values in rows.items():
            spec = self.schema.arrays.get(name)
            if spec is None:
                raise ArtifactError(f"{self.schema.name}: no array {name!r} in its schema")
            if values.dtype != np.dtype(spec.dtype) or values.ndim != len(spec.dims):
                raise ArtifactError(
                    f"{self.schema.name}.{name}: {values.dtype} {values.shape} does not fit "
                    f"{spec.dtype} [{', '.join(spec.dims)}]"
                )
            self._pending.setdefault(name, []).append(values)
            if sum(len(v) for v in self._pending[name]) >= spec.shard:
                self._flush(name, whole_shards=True)

    def _flush(self, name: str, whole_shards: bool) -> None:
        spec = self.schema.arrays[name]
        values = np.concatenate(self._pending[name])
        keep = len(values) % spec.shard if whole_shards else 0
        self._pending[name] = [values[len(values) - keep :]]
        values = values[: len(values) - keep]
        if name not in self.group:
            self.group.create_array(
                name,
                shape=(0, *values.shape[1:]),
                chunks=(spec.chunk, *(max(1, n) for n in values.shape[1:])),
                shards=(spec.shard, *(max(1, n) for n in values.shape[1:])),
                dtype=spec.dtype,
                compressors=spec.compressors,
                dimension_names=spec.dims,
            )
        array = self.group[name]
        assert isinstance(array, zarr.Array)
        start = array.shape[0]
        array.resize((start + len(values), *array.shape[1:]))
        if values.size:
            array[start:] = values

    def finish(self) -> None:
        """Writes what is left. Raises ArtifactError where an array was never written or lengths differ."""
        lengths: dict[str, tuple[str, int]] = {}
        for name, spec in self.schema.arrays.items():
            if name not in self._pending:
                raise ArtifactError(f"{self.schema.name}.{name}: was never written")
            self._flush(name, whole_shards=False)
            array = self.group[name]
            assert isinstance(array, zarr.Array)
            other, length = lengths.setdefault(spec.dims[0], (name, array.shape[0]))
            if array.shape[0] != length:
                raise ArtifactError(
                    f"{self.schema.name}: {name} has {array.shape[0]} rows, {other} has {length}"
                )


@contextmanager
def writing(path: Path, schema: Schema, attrs: Mapping[str, Any]) -> Iterator[StoreWriter]:
    """Builds a store beside `path` and moves it there at the end; an error leaves `path` as it was.

    Args:
        path: the store's folder; replaced whole if it exists.
        schema: its arrays; all must be appended to (zero rows will do).
        attrs: JSON values that a reader needs.
    """
    with replacing(path) as partial:
        group = zarr.create_group(partial, zarr_format=3)
        writer = StoreWriter(group, schema)
        yield writer
        writer.finish()
        own = {"schema": schema.name, "schema_version": schema.version, "files": _sizes(partial)}
        group.update_attributes(dict(sorted({**attrs, **own}.items())))
        with warnings.catch_warnings():
            # Not yet in the Zarr v3 specification, but xarray reads it and opens faster.
            warnings.simplefilter("ignore", ZarrUserWarning)
            zarr.consolidate_metadata(partial)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside `path` that takes its place when the block ends without an error."""
    partial, old = path.with_name(path.name + ".partial"), path.with_name(path.name + ".old.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if path.exists():
        path.rename(old)
    partial.rename(path)
    shutil.rmtree(old, ignore_errors=True)


@dataclass(frozen=True)
class Store:
    """An opened, checked store."""

    path: Path
    schema: Schema
    group: zarr.Group

    @property
    def attrs(self) -> dict[str, Any]:
        """The JSON values that its writer gave it."""
        return dict(self.group.attrs)

    def __len__(self) -> int:
        """Rows of the first array of the schema."""
        return self.array(next(iter(self.schema.arrays))).shape[0]

    def array(self, name: str) -> zarr.Array[Any]:
        """The array itself, for its shape or for reading in pieces."""
        array = self.group[name]
        assert isinstance(array, zarr.Array)
        return array

    def read(self, name: str, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Rows of an array, all by default. Raises ArtifactError where the bytes are damaged."""
        try:
            array = self.array(name)
            values = array[rows] if isinstance(rows, slice) else array.get_orthogonal_selection((rows,))
            return np.asarray(values)
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ArtifactError(
                f"{self.path}: {name} is damaged ({reason}); {_remedy(self.schema)}"
            ) from None


def open_store(path: Path, schema: Schema) -> Store:
    """Opens a store for reading.

    Raises:
        ArtifactError: it is missing, foreign (another schema or version) or damaged (a file is gone or
            has another size than when it was written).
    """
    if not path.exists():
        raise ArtifactError(f"{path}: missing; {_remedy(schema)}")
    try:
        group = zarr.open_group(path, mode="r", zarr_format=3)
        attrs = dict(group.attrs)
    except Exception as error:  # zarr raises many kinds for unreadable metadata
        raise ArtifactError(
            f"{path}: damaged or not a Zarr store ({type(error).__name__}); {_remedy(schema)}"
        ) from None
    found = (attrs.get("schema"), attrs.get("schema_version"))
    if found != (schema.name, schema.version):
        raise ArtifactError(
            f"{path}: holds {found[0]!r} version {found[1]}, not {schema.name!r} version {schema.version}; "
            f"{_remedy(schema)}"
        )
    if _sizes(path) != attrs.get("files"):
        raise ArtifactError(f"{path}: damaged (files are missing or cut short); {_remedy(schema)}")
    return Store(path, schema, group)


def digest(*parts: Any) -> str:
    """A short name for values and for the content of files and folders (given as `Path`)."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for file in sorted(part.rglob("*")) if part.is_dir() else [part]:
                if file.is_file():
                    sha.update(str(file.relative_to(part)).encode())
                    with file.open("rb") as stream:
                        sha.update(hashlib.file_digest(stream, "sha256").digest())
        else:
            sha.update(json.dumps(part, sort_keys=True).encode())
    return sha.hexdigest()[:16]


def _sizes(root: Path) -> dict[str, int]:
    files = (f for f in sorted(root.rglob("*")) if f.is_file() and f.name != "zarr.json")
    return {str(f.relative_to(root)): f.stat().st_size for f in files}


def _remedy(schema: Schema) -> str:
    return f"pull it, or delete it and run the {schema.stage} stage again"
