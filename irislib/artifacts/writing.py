"""Writing a store, row by row."""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from jaxtyping import Shaped
from zarr.errors import ZarrUserWarning

from irislib.artifacts.content import file_sizes
from irislib.artifacts.files import replacing
from irislib.artifacts.schema import Schema
from irislib.errors import ArtifactError


@dataclass
class StoreWriter:
    """Grows the arrays of a store row by row; see `writing`."""

    group: zarr.Group
    schema: Schema
    _pending: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def append(self, **rows: Shaped[np.ndarray, "_ ..."]) -> None:
        """Adds rows to the named arrays.

        Raises ArtifactError for an unknown name, for another dtype, and for numbers that are not finite (NaN
        excepted where the schema says that it stands for an undefined number).
        """
        for name, values in rows.items():
            spec = self.schema.arrays.get(name)
            if spec is None:
                raise ArtifactError(f"{self.schema.name}: no array {name!r} in its schema")
            if values.dtype != np.dtype(spec.dtype) or values.ndim != len(spec.dims):
                raise ArtifactError(
                    f"{self.schema.name}.{name}: {values.dtype} {values.shape} does not fit "
                    f"{spec.dtype} [{', '.join(spec.dims)}]"
                )
            allowed = np.isnan(values) if spec.undefined else False
            if values.dtype.kind == "f" and (wrong := np.count_nonzero(~(np.isfinite(values) | allowed))):
                raise ArtifactError(
                    f"{self.schema.name}.{name}: {wrong} of {values.size} numbers are not finite; "
                    f"check what the {self.schema.stage} stage has read"
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
                attributes=spec.attributes,
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

    Raises:
        ArtifactError: rows do not fit the schema, a number among them or in `attrs` is not finite, another
            process writes the store, or it cannot be written.
    """
    try:
        json.dumps(attrs, allow_nan=False)
    except ValueError:
        raise ArtifactError(f"{path}: a number in its attributes is not finite: {attrs}") from None
    with replacing(path) as partial:
        group = zarr.create_group(partial, zarr_format=3)
        writer = StoreWriter(group, schema)
        yield writer
        writer.finish()
        own = {"schema": schema.name, "schema_version": schema.version, "files": file_sizes(partial)}
        group.update_attributes(dict(sorted({**attrs, **own}.items())))
        with warnings.catch_warnings():
            # Not yet in the Zarr v3 specification, but xarray reads it and opens faster.
            warnings.simplefilter("ignore", ZarrUserWarning)
            zarr.consolidate_metadata(partial)
