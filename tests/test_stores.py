"""Every store says what each of its arrays means, to whoever opens it."""

from pathlib import Path

import numpy as np
import pytest
import xarray

from irislib.artifacts import Array, Schema, writing
from irislib.stores.attributions import ATTRIBUTIONS
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS

SCHEMAS = [ROLLOUTS, HEATMAPS, CHANGES, CROPS, EMBEDDINGS, ATTRIBUTIONS]


def rows(spec: Array) -> np.ndarray:
    return np.zeros([3] * len(spec.dims), spec.dtype)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_every_array_says_what_it_holds(schema: Schema, tmp_path: Path) -> None:
    with writing(tmp_path / "a.zarr", schema, {}) as store:
        store.append(**{name: rows(spec) for name, spec in schema.arrays.items()})
    with xarray.open_zarr(tmp_path / "a.zarr") as data:
        assert set(data.data_vars) == set(schema.arrays)
        for name, array in data.data_vars.items():
            spec = schema.arrays[str(name)]
            assert array.dtype == spec.dtype and array.dims == spec.dims
            assert list(array.attrs) == ["description", "long_name", "units"]
            assert all(array.attrs.values()), name
            assert array.attrs["description"].endswith(".")
            assert not hasattr(xarray.Dataset, str(name)), "data.name would be xarray's own"
