"""Opening a store: is it there, is it the right one, is it whole?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from jaxtyping import Shaped
from zarr.errors import GroupNotFoundError

from irislib.artifacts.content import compare_sizes, file_sizes
from irislib.artifacts.files import refusal, told_in_one_line
from irislib.artifacts.schema import Schema
from irislib.errors import ArtifactError


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

    def read(
        self, name: str, rows: slice | Shaped[np.ndarray, " index"] = slice(None)
    ) -> Shaped[np.ndarray, "rows ..."]:
        """Rows of an array, all by default; of an index array in its order, none of them negative.

        Raises ArtifactError where they cannot be read or are damaged.
        """
        try:
            array = self.array(name)
            return np.asarray(array[rows]) if isinstance(rows, slice) else _take(array, rows)
        except OSError as error:
            raise refusal(self.path, "read", error) from None
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ArtifactError(
                f"{self.path}: {name} is damaged ({reason}); {_remedy(self.schema)}"
            ) from None


def open_store(path: Path, schema: Schema) -> Store:
    """Opens a store for reading.

    Raises:
        ArtifactError: it is missing, cannot be read, is foreign (another schema or version) or damaged (a
            file is gone, has another size than when it was written, or is not part of it).
    """
    with told_in_one_line(path, "read"):
        try:
            path.stat()
        except FileNotFoundError:
            raise ArtifactError(f"{path}: missing; {_remedy(schema)}") from None
        try:
            group = zarr.open_group(path, mode="r", zarr_format=3)
            attrs: dict[str, Any] = dict(group.attrs)
        except Exception as error:  # zarr raises many kinds for unreadable metadata
            if isinstance(error, OSError) and not isinstance(error, GroupNotFoundError):
                raise
            raise ArtifactError(
                f"{path}: damaged or not a Zarr store ({type(error).__name__}); {_remedy(schema)}"
            ) from None
    found = (attrs.get("schema"), attrs.get("schema_version"))
    if found != (schema.name, schema.version):
        raise ArtifactError(
            f"{path}: holds {found[0]!r} version {found[1]}, not {schema.name!r} version {schema.version}; "
            f"{_remedy(schema)}"
        )
    with told_in_one_line(path, "read"):
        faults = compare_sizes(attrs.get("files", {}), file_sizes(path))
    if faults:
        raise ArtifactError(f"{path}: damaged ({faults}); {_remedy(schema)}")
    return Store(path, schema, group)


def _take(array: "zarr.Array[Any]", rows: Shaped[np.ndarray, " index"]) -> Shaped[np.ndarray, "index ..."]:
    """Some rows, chunk by chunk: Zarr's own selection of single rows is many times slower."""
    values = np.empty((len(rows), *array.shape[1:]), array.dtype)
    chunk = rows // array.chunks[0]
    for one in np.unique(chunk):
        inside = chunk == one
        mine = rows[inside]
        first = int(mine.min())
        values[inside] = np.asarray(array[first : int(mine.max()) + 1])[mine - first]
    return values


def _remedy(schema: Schema) -> str:
    return f"pull it, or delete it and run the {schema.stage} stage again"
