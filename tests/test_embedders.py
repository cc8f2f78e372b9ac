import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from recordings import record_crops, record_play

from irislib.artifacts import Store, digest, open_store
from irislib.errors import ArtifactError, IrislibError, ParamError
from irislib.interpret.crops import pixels
from irislib.interpret.embedding import embed
from irislib.interpret.embedding.embed import EmbedConfig, embed_crops, read_distinct, rounded
from irislib.interpret.embedding.recogniser import load_recogniser, save_recogniser
from irislib.interpret.embedding.resnet import ResNet50, build_resnet50, prepare, random_projection
from irislib.interpret.embedding.weights import EMBEDDERS, Untrained
from irislib.params import parse_value
from irislib.seeding import stream_seed
from irislib.stores.embeddings import EMBEDDINGS
from irislib.vision import torchvision

IMAGENET = torchvision.models.ResNet50_Weights.IMAGENET1K_V2

FRAME = (16, 16)
STEPS = 12
FEATURES = 24


@pytest.fixture(scope="module")
def crops() -> list[np.ndarray]:
    """Smooth pictures of several sizes."""
    rng = np.random.default_rng(0)
    sizes = [(3, 4), (16, 9), (40, 40), (7, 7), (12, 30), (5, 5)]
    first, last = rng.integers(0, 256, (2, len(sizes), 3)).tolist()
    return [
        np.linspace(a, b, h * w).reshape(h, w, 3).astype(np.uint8)
        for a, b, (h, w) in zip(first, last, sizes, strict=True)
    ]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store]:
    """Frames of few colours, some repeated, and 60 boxes of which many show the same."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("stores")
    obs = rng.integers(0, 3, (STEPS, 4, 4, 3), np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    obs[5:8] = obs[1]
    play = record_play(folder / "rollouts.zarr", obs, np.zeros((STEPS, 4, 4)), 2)
    corner, size = 4 * rng.integers(0, 2, (60, 2)), 4 * rng.integers(1, 3, (60, 2))
    step, box = rng.integers(0, STEPS, 60), np.concatenate([corner, corner + size], axis=1)
    return play, record_crops(folder / "crops.zarr", step, box, FRAME)


def cut(stores: tuple[Store, Store]) -> list[np.ndarray]:
    """The crops, one by one."""
    obs = stores[0].read("obs")
    boxes = zip(stores[1].read("crop_step"), stores[1].read("crop_box"), strict=True)
    return [obs[step, y0:y1, x0:x1] for step, (y0, x0, y1, x1) in boxes]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow network, as the embedder stage leaves it."""
    folder = tmp_path_factory.mktemp("embedder")
    torch.manual_seed(7)
    save_recogniser(build_resnet50(16, FEATURES, 3), 16, 32, ["a", "b", "b"], 1, folder)
    return folder


class Colours:
    """An embedder that is quick: mean colour, height and width; counts what it embeds."""

    dimension = 5
    feature = "colours"
    size = 1

    def __init__(self) -> None:
        self.sample: list[np.ndarray] = []
        self.batches: list[int] = []

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        self.batches.append(len(crops))
        return np.array([[*crop.mean((0, 1)), *crop.shape[:2]] for crop in crops], np.float32)

    def calibrate(self, crops: Sequence[np.ndarray]) -> None:
        self.sample = list(crops)

    def make(self, path: Path, imagenet_size: int, seed: int) -> "Colours":
        return self


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch) -> Colours:
    embedder = Colours()
    monkeypatch.setitem(EMBEDDERS, "colours", embedder.make)
    return embedder


def run(
    stores: tuple[Store, Store],
    out: Path,
    weights: str = "colours",
    embedder: Path = Path("nowhere"),
    batch: int = 4,
    seed: int = 0,
) -> Store:
    config = EmbedConfig(weights, 32, batch)
    embed_crops(config, seed, rollouts=stores[0].path, crops=stores[1].path, embedder=embedder, out=out)
    return open_store(out, EMBEDDINGS)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0])
def test_features_that_are_zero_or_not_finite_end_the_stage_in_one_line(
    value: float,
    stores: tuple[Store, Store],
    colours: Colours,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        Colours, "__call__", lambda self, crops: np.full((len(crops), self.dimension), value, np.float32)
    )
    with pytest.raises(IrislibError, match=r"^embed\.weights: .* features that are zero or not finite"):
        run(stores, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def assert_rounded(stored: np.ndarray, exact: np.ndarray) -> None:
    """Directions in steps of 1 / 127."""
    units = exact / np.linalg.norm(exact, axis=1, keepdims=True)
    assert stored.dtype == np.int8
    np.testing.assert_allclose(stored, 127 * units, rtol=0, atol=0.501)


def test_identical_crops_are_embedded_once_and_every_crop_has_its_own_features(
    stores: tuple[Store, Store], colours: Colours, tmp_path: Path
) -> None:
    store, expected = run(stores, tmp_path / "out"), cut(stores)
    row, embedding = store.read("crop_embedding"), store.read("embedding")
    assert_rounded(embedding[row], Colours()(expected))
    distinct = {(crop.shape, crop.tobytes()) for crop in expected}
    assert len(embedding) == len(distinct) == sum(colours.batches) < len(expected)
    assert len({(crop.shape, crop.tobytes(), r) for crop, r in zip(expected, row, strict=True)}) == len(
        distinct
    )
    assert sorted(colours.batches, reverse=True)[:-1] == [4] * (len(colours.batches) - 1)


def test_distinct_crops_are_in_the_order_in_which_play_shows_them(
    stores: tuple[Store, Store], colours: Colours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "ROWS", 5)
    row = run(stores, tmp_path / "out").read("crop_embedding")
    in_time = row[np.argsort(stores[1].read("crop_step"), kind="stable")]
    _, first = np.unique(in_time, return_index=True)
    assert (np.diff(first) > 0).all()


def test_blocks_of_frames_do_not_matter(
    stores: tuple[Store, Store], colours: Colours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stores, tmp_path / "whole")
    monkeypatch.setattr(pixels, "ROWS", 5)
    run(stores, tmp_path / "blocks")
    assert digest(tmp_path / "whole") == digest(tmp_path / "blocks")


def test_the_sample_is_spread_over_the_distinct_crops(
    stores: tuple[Store, Store], colours: Colours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedding = run(stores, tmp_path / "a").read("embedding")
    assert_rounded(embedding, Colours()(colours.sample))
    monkeypatch.setattr(embed, "CALIBRATION", 3)
    run(stores, tmp_path / "b")
    middle = round((len(embedding) - 1) / 2)
    assert_rounded(embedding[[0, middle, -1]], Colours()(colours.sample))


def test_crops_of_the_same_bytes_and_another_shape_differ() -> None:
    flat = np.zeros((2, 6, 3), np.uint8)
    group, first = pixels.find_identical([flat, flat.reshape(3, 4, 3), flat.copy(), flat.reshape(6, 2, 3)])
    assert (group.tolist(), first.tolist()) == ([0, 1, 0, 2], [0, 1, 3])


@pytest.mark.parametrize("weights", ["cells", "random", "colours"])
def test_without_crops_there_are_no_embeddings(
    stores: tuple[Store, Store], colours: Colours, trained: Path, tmp_path: Path, weights: str
) -> None:
    none = record_crops(tmp_path / "none", np.zeros(0), np.zeros((0, 4)), FRAME)
    store = run((stores[0], none), tmp_path / "out", weights, trained)
    assert store.read("embedding").shape == (0, 5 if weights == "colours" else FEATURES)
    assert store.read("crop_embedding").shape == (0,)


def test_crops_of_other_rollouts_are_refused(
    stores: tuple[Store, Store], colours: Colours, tmp_path: Path
) -> None:
    late = record_crops(tmp_path / "late", np.array([STEPS]), np.array([[0, 0, 4, 4]]), FRAME)
    large = record_crops(tmp_path / "large", np.array([0]), np.array([[0, 0, 4, 4]]), (32, 32))
    for other in (late, large):
        with pytest.raises(ArtifactError, match=r"does not belong to .*run the crop stage again"):
            run((stores[0], other), tmp_path / "out")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("weights", ["cells", "random"])
def test_features_do_not_depend_on_the_other_crops_of_a_batch(
    crops: list[np.ndarray], trained: Path, weights: str
) -> None:
    embedder = EMBEDDERS[weights](trained, 99, 0)
    embedder.calibrate(crops)
    assert (embedder.size, embedder.dimension) == (32, FEATURES)
    together = embedder(crops)
    alone = np.concatenate([embedder([crop]) for crop in reversed(crops)])[::-1]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-3 * abs(together).max())
    assert together.shape == (len(crops), embedder.dimension)
    assert together.dtype == np.float32


def mean_cosine(features: np.ndarray) -> float:
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = units @ units.T
    return float(cosines[np.triu_indices(len(units), 1)].mean())


def test_calibration_spreads_what_random_weights_make_parallel(crops: list[np.ndarray]) -> None:
    torch.manual_seed(0)
    embedder = Untrained(build_resnet50(64, 4, 3), 32, random_projection(2048, 64, 0))
    fresh = embedder(crops)
    embedder.calibrate(crops)
    calibrated = embedder(crops)
    assert np.isfinite(calibrated).all()
    assert mean_cosine(fresh) > 0.98
    assert mean_cosine(calibrated) < mean_cosine(fresh) - 0.1


def test_random_weights_are_the_trained_ones_layout_and_nothing_else(trained: Path) -> None:
    cells, random = (EMBEDDERS[name](trained, 99, 0) for name in ("cells", "random"))
    assert isinstance(cells, ResNet50) and isinstance(random, ResNet50)
    shapes = [{n: w.shape for n, w in net.net.state_dict().items()} for net in (cells, random)]
    assert shapes[0] == shapes[1]
    assert not torch.equal(cells.net.state_dict()["conv1.weight"], random.net.state_dict()["conv1.weight"])


def test_features_repeat_bit_by_bit_and_only_random_ones_follow_the_seed(
    stores: tuple[Store, Store], trained: Path, tmp_path: Path
) -> None:
    for weights in ("random", "cells"):
        for number, seed in enumerate((0, 0, 1)):
            torch.manual_seed(number)
            before = torch.get_rng_state()
            run(stores, tmp_path / f"{weights}{number}", weights, trained, seed=seed)
            assert torch.equal(torch.get_rng_state(), before)
        first, same, other = (digest(tmp_path / f"{weights}{number}") for number in range(3))
        assert first == same
        assert (first == other) is (weights == "cells")


def cosines(features: np.ndarray) -> np.ndarray:
    vectors = features.astype(np.float64)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(units @ units.T)


def test_cosines_survive_rounding(stores: tuple[Store, Store], trained: Path, tmp_path: Path) -> None:
    store = run(stores, tmp_path / "out", "cells", trained)
    kept = store.read("embedding")[store.read("crop_embedding")]
    error = cosines(kept) - cosines(EMBEDDERS["cells"](trained, 99, 0)(cut(stores)))
    assert 0 < abs(error).max() < 0.02
    assert abs(error.mean()) < 1e-3


def test_no_direction_is_rounded_to_zero() -> None:
    assert rounded(np.full((1, 2048), 1e-20)).any()
    assert rounded(np.eye(3) * [[1e-30], [-1], [1e30]]).tolist() == [[127, 0, 0], [0, -127, 0], [0, 0, 127]]


def test_random_directions_are_orthonormal_and_keep_cosines() -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 256)) + 1  # cosines around a half
    exact = cosines(vectors)
    for features in (64, 256):
        before = torch.get_rng_state()
        weight = random_projection(256, features, 3).weight.detach()
        assert torch.equal(torch.get_rng_state(), before)
        torch.testing.assert_close(weight @ weight.T, torch.eye(features), rtol=0, atol=1e-5)
        assert torch.equal(weight, random_projection(256, features, 3).weight)
        assert not torch.equal(weight, random_projection(256, features, 4).weight)
        error = (cosines(vectors @ weight.numpy().T) - exact)[np.triu_indices(60, 1)]
        expected = np.sqrt(np.mean((1 - exact**2) ** 2) / features) if features < 256 else 0
        assert error.std() == pytest.approx(expected, rel=0.3, abs=1e-6)


def test_the_learned_projection_is_what_the_classifier_reads(crops: list[np.ndarray], trained: Path) -> None:
    recogniser = load_recogniser(trained)
    classifier = recogniser.net.get_submodule("fc.classifier")
    with torch.inference_mode():
        logits = recogniser.net(prepare(crops, 32))
        features = torch.from_numpy(EMBEDDERS["cells"](trained, 99, 0)(crops))
        torch.testing.assert_close(classifier(features), logits)


def test_workers_and_threads_change_nothing(
    stores: tuple[Store, Store], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = torch.get_num_threads()
    digests = set()
    for weights in ("cells", "random"):
        for workers, ours in ((1, 1), (1, 2), (3, 1)):
            monkeypatch.setenv("IRISLIB_WORKERS", str(workers))
            torch.set_num_threads(ours)
            try:
                run(stores, tmp_path / f"{weights}{workers}{ours}", weights, trained, batch=7)
                assert torch.get_num_threads() == ours
            finally:
                torch.set_num_threads(threads)
            digests.add(digest(tmp_path / f"{weights}{workers}{ours}"))
    assert len(digests) == 2


def test_distinct_crops_are_found_again(
    stores: tuple[Store, Store], colours: Colours, tmp_path: Path
) -> None:
    store = run(stores, tmp_path / "out")
    distinct = read_distinct(stores[0], stores[1], store)
    features = distinct.embed(colours, 7, "again")
    np.testing.assert_array_equal(np.concatenate(list(features)), store.read("embedding"))
    other = record_crops(tmp_path / "other", np.array([0]), np.array([[0, 0, 4, 4]]), FRAME)
    with pytest.raises(ArtifactError, match=r"out: does not belong to .*other; run the embed stage again"):
        read_distinct(stores[0], other, store)


def missing(folder: Path) -> str:
    (folder / "config.json").unlink()
    return r"config\.json: missing"


def headless(folder: Path) -> str:
    (folder / "model.safetensors").unlink()
    return r"model\.safetensors: missing"


def torn(folder: Path) -> str:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    return r"damaged or not an embedder \("


def of_another_width(folder: Path) -> str:
    file = folder / "config.json"
    file.write_text(file.read_text().replace('"width": 16', '"width": 32'))
    return r"damaged or not an embedder \("


def foreign(folder: Path) -> str:
    (folder / "config.json").write_text('{"schema": "irislib/agent", "schema_version": 2}')
    return r"holds 'irislib/agent' version 2, not 'irislib/embedder' version 3"


@pytest.mark.parametrize("harm", [missing, headless, torn, of_another_width, foreign])
def test_a_harmed_embedder_is_one_line_and_nothing_is_written(
    stores: tuple[Store, Store], trained: Path, tmp_path: Path, harm: Callable[[Path], str]
) -> None:
    shutil.copytree(trained, tmp_path / "embedder")
    complaint = harm(tmp_path / "embedder")
    with pytest.raises(ArtifactError, match=f"embedder.*{complaint}.*; .*embedder stage") as error:
        run(stores, tmp_path / "out", "cells", tmp_path / "embedder")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("out*"))


def test_at_full_width_the_network_is_torchvisions() -> None:
    own, theirs = build_resnet50(64, 8, 1000), torchvision.models.resnet50()
    own.fc = theirs.fc
    own.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 32, 32, generator=torch.manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(own.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("cached", [None, b"torn"])
def test_imagenet_weights_that_cannot_be_had_are_one_line_and_nothing_is_written(
    stores: tuple[Store, Store],
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cached: bytes | None,
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "urlopen", offline)
    if cached is not None:
        file = tmp_path / "cache/hub/checkpoints" / Path(IMAGENET.url).name
        file.parent.mkdir(parents=True)
        file.write_bytes(cached)
    with pytest.raises(
        ParamError, match=r"^embed\.weights: .*cache.*resnet50.*connect once.*cells$"
    ) as error:
        run(stores, tmp_path / "out", "imagenet", trained)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("out*"))


def test_imagenet_weights_are_taken_from_the_cache(
    stores: tuple[Store, Store],
    trained: Path,
    crops: list[np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub/checkpoints" / Path(IMAGENET.url).name
    file.parent.mkdir(parents=True)
    net = torchvision.models.resnet50()
    torch.save(net.state_dict(), file)
    store = run(stores, tmp_path / "out", "imagenet", trained, batch=64)
    file.unlink()  # 98 MB
    projection = random_projection(2048, FEATURES, stream_seed(0, "embed"))
    expected = ResNet50(net, 32, projection)(cut(stores))
    assert_rounded(store.read("embedding")[store.read("crop_embedding")], expected)


def test_resizing_is_torchvisions(crops: list[np.ndarray]) -> None:
    preset = torchvision.transforms._presets.ImageClassification(crop_size=32, resize_size=32, antialias=True)
    square = crops[2]
    expected = preset(torch.from_numpy(square).permute(2, 0, 1))
    prepared = prepare([square], 32)[0]
    np.testing.assert_allclose(prepared, expected.numpy(), rtol=0, atol=0.02)  # torchvision rounds to 8 bits


@pytest.mark.parametrize(
    ("key", "value"), [("weights", "vgg"), ("imagenet_size", 16), ("batch_size", 0), ("weights", 3)]
)
def test_impossible_values_are_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(ParamError, match=rf"^embed\.{key}: "):
        parse_value(
            {"weights": "random", "imagenet_size": 32, "batch_size": 1, key: value}, "embed", EmbedConfig
        )


def test_torchvision_can_be_imported_plainly_after_the_shim() -> None:
    assert sys.modules["torchvision"] is torchvision
    assert torchvision.ops.box_area(torch.tensor([[0.0, 0.0, 2.0, 3.0]])).item() == 6
