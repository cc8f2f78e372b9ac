import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray

from irislib.artifacts import Array, Schema, digest, open_store, replacing, writing
from irislib.errors import ArtifactError

SCHEMA = Schema(
    name="irislib/test",
    version=3,
    stage="gradcam",
    arrays={
        "obs": Array("uint8", ("step", "y", "x"), chunk=4, shard=8),
        "reward": Array("float32", ("step",), chunk=4, shard=8),
        "map": Array("float32", ("map", "map_y"), chunk=4, shard=8),
    },
)
RNG = np.random.default_rng(0)
ROWS: dict[str, np.ndarray] = {
    "obs": RNG.integers(0, 255, (21, 3, 3), dtype=np.uint8),
    "reward": RNG.random(21, dtype=np.float32),
    "map": RNG.random((5, 2), dtype=np.float32),
}
ATTRS = {"names": ["b", "a"], "cell": 7}


def write(path: Path, rows: dict[str, np.ndarray] = ROWS, piece: int = 21) -> Path:
    with writing(path, SCHEMA, ATTRS) as store:
        for name, values in rows.items():
            for start in range(0, max(1, len(values)), piece):
                store.append(**{name: values[start : start + piece]})
    return path


def complaint(path: Path, schema: Schema = SCHEMA) -> str:
    with pytest.raises(ArtifactError) as raised:
        store = open_store(path, schema)
        for name in schema.arrays:
            store.read(name)
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    assert "gradcam stage" in message
    return message


# Stores


@pytest.mark.parametrize(
    "rows", [ROWS, {name: values[:0] for name, values in ROWS.items()}], ids=["some", "none"]
)
def test_what_is_written_is_read(tmp_path: Path, rows: dict[str, np.ndarray]) -> None:
    store = open_store(write(tmp_path / "a.zarr", rows), SCHEMA)
    assert len(store) == len(rows["obs"])
    assert store.attrs.items() >= ATTRS.items()
    for name, values in rows.items():
        np.testing.assert_array_equal(store.read(name), values)
        assert store.read(name).dtype == values.dtype
        np.testing.assert_array_equal(store.read(name, slice(2, 9)), values[2:9])
    some = np.flatnonzero(rows["reward"] > 0.5)
    np.testing.assert_array_equal(store.read("obs", some), rows["obs"][some])


@pytest.mark.parametrize("rows", [[20, 3, 3, 9, 0], [7, 8], [20], []], ids=str)
def test_rows_are_read_in_the_order_asked_for(tmp_path: Path, rows: list[int]) -> None:
    store = open_store(write(tmp_path / "a.zarr"), SCHEMA)
    for name in ("obs", "reward"):
        found = store.read(name, np.array(rows, np.int64))
        np.testing.assert_array_equal(found, ROWS[name][rows])
        assert found.dtype == ROWS[name].dtype


@pytest.mark.parametrize("piece", [1, 5, 8, 13])
def test_bytes_depend_on_the_content_alone(tmp_path: Path, piece: int) -> None:
    assert digest(write(tmp_path / "a.zarr")) == digest(write(tmp_path / "b.zarr", piece=piece))


def test_xarray_opens_it_by_dimension_names(tmp_path: Path) -> None:
    with xarray.open_zarr(write(tmp_path / "a.zarr")) as data:
        assert data["obs"].dims == ("step", "y", "x")
        assert data.sizes == {"step": 21, "y": 3, "x": 3, "map": 5, "map_y": 2}
        np.testing.assert_array_equal(data["obs"].values, ROWS["obs"])


def test_files_are_as_many_as_shards(tmp_path: Path) -> None:
    files = [f for f in write(tmp_path / "a.zarr").rglob("*") if f.is_file() and f.name != "zarr.json"]
    assert len(files) == 3 + 3 + 1


def test_an_error_leaves_the_old_store_and_nothing_else(tmp_path: Path) -> None:
    before = digest(write(tmp_path / "a.zarr"))
    with pytest.raises(KeyboardInterrupt), writing(tmp_path / "a.zarr", SCHEMA, {}) as store:
        store.append(obs=ROWS["obs"])
        raise KeyboardInterrupt
    assert digest(tmp_path / "a.zarr") == before
    assert list(tmp_path.iterdir()) == [tmp_path / "a.zarr"]


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    for name in ("a.zarr.partial", "a.zarr.old.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rubbish").write_text("")
    with replacing(tmp_path / "a.zarr") as folder:
        (folder / "file").write_text("")
    assert [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*"))] == [
        "a.zarr",
        "a.zarr/file",
    ]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({"reward": ROWS["reward"][:20]}, "20 rows"),
        ({"reward": ROWS["reward"].astype("float64")}, "does not fit"),
        ({"reward": ROWS["obs"].astype("float32")}, "does not fit"),
        ({"other": ROWS["reward"]}, "no array"),
        (
            {"reward": np.where(ROWS["reward"] > 0.9, np.float32("nan"), ROWS["reward"])},
            "3 of 21 .* not finite",
        ),
        ({"map": np.full_like(ROWS["map"], np.inf)}, "10 of 10 .* not finite"),
    ],
)
def test_rows_that_do_not_fit_the_schema_are_refused(
    tmp_path: Path, rows: dict[str, np.ndarray], reason: str
) -> None:
    with pytest.raises(ArtifactError, match=reason):
        write(tmp_path / "a.zarr", ROWS | rows)
    assert not (tmp_path / "a.zarr").exists()


def test_an_attribute_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not finite"), writing(tmp_path / "a", SCHEMA, {"x": [np.nan]}):
        raise AssertionError("begun")
    assert list(tmp_path.iterdir()) == []


def test_an_array_that_was_forgotten_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="map: was never written"):
        write(tmp_path / "a.zarr", {name: ROWS[name] for name in ("obs", "reward")})


# What a reader is told


def test_missing(tmp_path: Path) -> None:
    assert "missing" in complaint(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    "other", [Schema("irislib/other", 3, "gradcam", {}), Schema("irislib/test", 4, "gradcam", {})]
)
def test_foreign_schema(tmp_path: Path, other: Schema) -> None:
    message = complaint(write(tmp_path / "a.zarr"), other)
    assert "'irislib/test' version 3" in message
    assert f"'{other.name}' version {other.version}" in message


def test_foreign_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a store")
    (tmp_path / "folder").mkdir()
    complaint(tmp_path / "file")
    complaint(tmp_path / "folder")


def a_shard(path: Path) -> Path:
    return path / "obs/c/1/0/0"


def truncate(path: Path) -> None:
    a_shard(path).write_bytes(a_shard(path).read_bytes()[:-1])


def delete(path: Path) -> None:
    a_shard(path).unlink()


def add(path: Path) -> None:
    shutil.copy(a_shard(path), a_shard(path).parents[2] / "9")


def flip_first(path: Path) -> None:
    flip(path, 10)


def flip_last(path: Path) -> None:
    flip(path, -10)


def flip(path: Path, where: int) -> None:
    content = bytearray(a_shard(path).read_bytes())
    content[where] ^= 1
    a_shard(path).write_bytes(content)


def cut_metadata(path: Path) -> None:
    (path / "zarr.json").write_text((path / "zarr.json").read_text()[:-20])


@pytest.mark.parametrize("damage", [truncate, delete, add, flip_first, flip_last, cut_metadata])
def test_damage(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(write(tmp_path / "a.zarr"))
    assert "damaged" in complaint(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (truncate, "obs/c/1/0/0 of another size"),
        (delete, "obs/c/1/0/0 missing"),
        (add, "obs/c/9 not part of it"),
    ],
)
def test_the_files_that_are_damaged_are_named(
    tmp_path: Path, damage: Callable[[Path], None], named: str
) -> None:
    damage(write(tmp_path / "a.zarr"))
    assert f"damaged ({named});" in complaint(tmp_path / "a.zarr")


def test_of_many_files_a_few_are_named(tmp_path: Path) -> None:
    shutil.rmtree(write(tmp_path / "a.zarr") / "obs/c")
    (tmp_path / "a.zarr/map/c/0/0").unlink()
    named = "map/c/0/0, obs/c/0/0/0, obs/c/1/0/0 and 1 more missing"
    assert f"damaged ({named});" in complaint(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    "name", [".DS_Store", "._reward", ".nfs00000000009a3c6f00000001", "Thumbs.db", "desktop.ini"]
)
@pytest.mark.parametrize("folder", ["", "obs/c/1"])
def test_what_file_managers_and_network_disks_leave_does_not_count(
    tmp_path: Path, name: str, folder: str
) -> None:
    before = digest(write(tmp_path / "a.zarr"))
    (tmp_path / "a.zarr" / folder / name).write_text("foreign")
    store = open_store(tmp_path / "a.zarr", SCHEMA)
    np.testing.assert_array_equal(store.read("obs"), ROWS["obs"])
    assert digest(tmp_path / "a.zarr") == before


# Digests


def test_digest_sees_content_and_names_but_not_where_they_are(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("1")
    assert digest(tmp_path / "a", {"k": 1, "l": 2}) == digest(tmp_path / "b", {"l": 2, "k": 1})
    (tmp_path / "b/x").write_text("2")
    (tmp_path / "c/x").rename(tmp_path / "c/y")
    assert len({digest(tmp_path / name) for name in ("a", "b", "c")}) == 3


def test_nan_is_stored_only_where_it_stands_for_an_undefined_number(tmp_path: Path) -> None:
    schema = Schema("irislib/test", 1, "test", {"x": Array("float32", ("x",), undefined=True)})
    with writing(tmp_path / "a", schema, {}) as store:
        store.append(x=np.array([1, np.nan], np.float32))
    np.testing.assert_array_equal(open_store(tmp_path / "a", schema).read("x"), [1, np.nan])
    with (
        pytest.raises(ArtifactError, match=r"1 of 2 .* not finite"),
        writing(tmp_path / "a", schema, {}) as store,
    ):
        store.append(x=np.array([np.nan, np.inf], np.float32))
