"""The table of embedders: a planted code, found by an embedder that sees colours and not by a blind one."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from recordings import describe, record_maps, record_play

from irislib.artifacts import open_store, writing
from irislib.errors import ParamError
from irislib.interpret.embedder_comparison import SUMMARY, CompareConfig, compare_embedders
from irislib.interpret.embedding.embed import EmbedConfig, embed_crops
from irislib.interpret.embedding.label_retrieval import crop_shares, neighbour_overlap
from irislib.interpret.embedding.recogniser import save_recogniser
from irislib.interpret.embedding.resnet import build_resnet50
from irislib.interpret.embedding.weights import EMBEDDERS
from irislib.interpret.embedding.windows import WindowLabels, share_labels
from irislib.interpret.metrics_config import MetricsConfig
from irislib.params import parse_value
from irislib.report.figures.codes import embedders
from irislib.report.style import publication
from irislib.report.tables import EMBEDDER_COLUMNS
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS, ELSEWHEN, OWN, RANDOM
from irislib.stores.rollouts import ROLLOUTS

STEPS, EPISODES, CELL = 48, 24, 3
SIZE = 9 * CELL
NAMES = ("void", "red", "green", "blue")
BOXES = CELL * np.array([(y, x, y + 1, x + 1) for y in range(9) for x in range(9)])
DESCRIPTION = describe(
    labels=NAMES,
    world_boxes=BOXES[:63].astype(np.int16),
    display_boxes=BOXES[63:].astype(np.int16),
)
METRICS = MetricsConfig(0.05, 5, 10, 0.001, 4, 8)
EMBED = EmbedConfig("random", 32, 16)


class Fake:
    """Knows a crop's mean colour, or nothing; counts what it embeds."""

    dimension = 3
    feature = "fake"
    size = 1

    def __init__(self, blind: bool) -> None:
        self.blind, self.embedded = blind, 0

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        self.embedded += len(crops)
        if self.blind:
            noise = [np.random.default_rng(int(crop.sum())).normal(size=3) for crop in crops]
            return np.array(noise, np.float32)
        return np.array([crop.mean((0, 1)) for crop in crops], np.float32)

    def calibrate(self, crops: Sequence[np.ndarray]) -> None:
        pass

    def make(self, path: Path, imagenet_size: int, seed: int) -> "Fake":
        return self


class Histogram(Fake):
    """The share of each of 64 colours. (An untrained network hardly sees trees in grass.)"""

    dimension = 64

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        colours = [(crop // 64).reshape(-1, 3) @ (16, 4, 1) for crop in crops]
        return np.array([np.bincount(one, minlength=64) / len(one) for one in colours], np.float32)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    made = {"colours": Fake(blind=False), "blind": Fake(blind=True)}
    for name, fake in made.items():
        monkeypatch.setitem(EMBEDDERS, name, fake.make)
    return made


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Code 0 stands where it is red, code 1 where there is anything; cells have a colour each."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("stores")
    semantic = rng.integers(1, 4, (STEPS, 7, 9), np.uint8)
    amounts = rng.integers(0, 10, (STEPS, 2), np.uint8)
    frames = rng.integers(0, 20, (STEPS, SIZE, SIZE, 3)).astype(np.uint8)
    for label in (1, 2, 3):
        shown = np.kron(semantic == label, np.ones((1, CELL, CELL), bool))
        frames[:, : 7 * CELL, :, label - 1] += (200 * shown).astype(np.uint8)
    paths = {name: folder / name for name in ("rollouts", "changes", "crops", "embedder")}
    paths["embedder"].mkdir()
    save_recogniser(build_resnet50(16, 3, 2), 16, 32, ["a", "b"], 0, paths["embedder"])
    play = record_play(
        paths["rollouts"],
        frames,
        np.zeros((STEPS, 4, 4)),
        3,
        description=DESCRIPTION,
        label=semantic.reshape(STEPS, -1),
        quantity=amounts,
        episode=(np.arange(STEPS) * EPISODES // STEPS).astype(np.int32),
    )
    pairs = np.array([(step, code) for step in range(STEPS) for code in (0, 1)])
    record_maps(paths["changes"], np.ones((2, 4, 4)), np.array([0, 1]), pairs, play, schema=CHANGES)

    code, step = np.repeat([0, 1], STEPS), np.tile(np.arange(STEPS), 2)
    red = [rng.choice(np.argwhere(shown == 1)) for shown in semantic]
    anywhere = rng.integers(0, (7, 9), (STEPS, 2))
    own = CELL * np.concatenate([red, anywhere])
    random = CELL * rng.integers(0, (7, 9), (2 * STEPS, 2))
    box = np.concatenate([own, random, own])
    other = (step + STEPS // EPISODES) % STEPS  # of the next episode
    with writing(paths["crops"], CROPS, {"frame_size": [SIZE, SIZE]}) as writer:
        writer.append(
            region_map=np.zeros(1, np.int32),
            region_box=np.zeros((1, 4), np.int16),
            crop_step=np.concatenate([step, step, other]).astype(np.int32),
            crop_code=np.tile(code, 3).astype(np.int32),
            crop_box=np.concatenate([box, box + CELL], axis=1).astype(np.int16),
            crop_kind=np.repeat([OWN, RANDOM, ELSEWHEN], 2 * STEPS).astype(np.uint8),
            crop_match=np.tile(np.arange(2 * STEPS), 3).astype(np.int32),
        )
    return paths


def compare(stores: dict[str, Path], out: Path, weights: tuple[str, ...]) -> pd.DataFrame:
    """Over crops that are embedded by their colours."""
    inputs = {name: stores[name] for name in ("rollouts", "crops", "embedder")}
    embed_crops(EmbedConfig("colours", 32, 16), 0, out=out / "embeddings", **inputs)
    inputs |= {"changes": stores["changes"], "embeddings": out / "embeddings"}
    compare_embedders(CompareConfig(weights), EMBED, METRICS, 0, out=out, **inputs)
    return pd.read_csv(out / "embedders.csv").set_index("weights")


def test_a_planted_code_is_found_with_colours_and_not_without(
    stores: dict[str, Path], fakes: dict[str, Fake], tmp_path: Path
) -> None:
    table = compare(stores, tmp_path, ("colours", "blind"))
    assert list(table.index) == ["colours", "blind"]
    assert list(table["tested"]) == [2, 2]
    assert list(table["confirmed"]) == pytest.approx([1, 0], abs=0.2)
    assert list(table["low"]) == [1, 0]
    assert (table["null"] < 0.2).all()
    assert table.loc["colours", "mean_cosine"] > table.loc["colours", "mean_cosine_elsewhen"] + 0.1
    assert table.loc["colours", "label_overlap"] > 0.99
    blind = table.loc["blind"]
    assert blind["label_overlap"] == pytest.approx(blind["label_overlap_chance"], abs=0.12)
    assert 0 < blind["label_overlap_chance"] < 0.6


def test_the_stored_embedder_is_not_run_again_and_gives_what_running_it_gives(
    stores: dict[str, Path], fakes: dict[str, Fake], tmp_path: Path
) -> None:
    table = compare(stores, tmp_path, ("blind", "colours"))
    distinct = fakes["colours"].embedded
    assert fakes["blind"].embedded == distinct <= 6 * STEPS
    EMBEDDERS["again"] = fakes["colours"].make
    try:
        again = compare(stores, tmp_path / "again", ("again",))
    finally:
        del EMBEDDERS["again"]
    assert fakes["colours"].embedded == 3 * distinct  # two stores, and once in memory
    pd.testing.assert_series_equal(table.loc["colours"], again.loc["again"], check_names=False)
    assert [*table.columns] == [
        *("size", "dimension", *SUMMARY, "label_overlap", "label_overlap_chance"),
    ]


def test_the_table_repeats_bit_by_bit(
    stores: dict[str, Path], fakes: dict[str, Fake], tmp_path: Path
) -> None:
    for name in ("a", "b"):
        compare(stores, tmp_path / name, ("colours", "blind"))
    first, second = (tmp_path / name / "embedders.csv" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_what_cannot_be_had_is_told_before_the_work_begins(
    stores: dict[str, Path],
    fakes: dict[str, Fake],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "urlopen", offline)
    with pytest.raises(ParamError, match=r"^compare\.weights: cannot load .*connect once"):
        compare(stores, tmp_path, ("blind", "imagenet"))
    assert fakes["blind"].embedded == 0
    assert "consistency" not in capsys.readouterr().err
    assert not (tmp_path / "embedders.csv").exists()


def test_shares_of_crops_are_those_of_their_frames(stores: dict[str, Path]) -> None:
    play, crops = open_store(stores["rollouts"], ROLLOUTS), open_store(stores["crops"], CROPS)
    step, box = crops.read("crop_step"), crops.read("crop_box")
    shares, labels = crop_shares(play, step, box), WindowLabels.of(DESCRIPTION, hidden=True)
    label = play.read("label")
    cells = labels.of_boxes(label, play.read("quantity"))[step]
    np.testing.assert_array_equal(shares, share_labels(cells, BOXES, box.astype(int), labels))
    row, column = (box[:, :2] // CELL).T
    assert (shares.argmax(axis=1) == label[step, 9 * row + column]).all()


def test_overlap_by_hand() -> None:
    embedding = np.array([[1, 0], [0, 1], [1, 0.1], [0.1, 1], [0, 2]])
    shares = np.array([[1, 0], [0, 1], [0.5, 0.5], [0.25, 0.75], [1, 0]])
    episode = np.array([0, 0, 1, 1, 0])
    # Nearest in the other episode: 0-2, 1-3, 4-3, and back 2-0, 3-1 or 3-4, whose directions are the same.
    found, chance = neighbour_overlap(embedding, shares, episode)
    assert found == pytest.approx((0.5 + 0.75 + 0.25 + 0.5 + 0.75) / 5)
    others = [(0.5 + 0.25) / 2, (0.5 + 0.75) / 2, (0.5 + 0.25) / 2, 1.5 / 3, (0.25 + 0.75 + 0.25) / 3]
    assert chance == pytest.approx(sum(others) / 5)
    assert np.isnan(neighbour_overlap(embedding, shares, np.zeros(5, int))).all()


@pytest.mark.parametrize(
    ("weights", "complaint"), [([], "one at least"), (["cells"] * 2, "once"), (["vgg"], "cells or")]
)
def test_impossible_choices_are_refused(weights: list[str], complaint: str) -> None:
    with pytest.raises(ParamError, match=rf"^compare\.weights: .*{complaint}"):
        parse_value({"weights": weights}, "compare", CompareConfig)


def dots(axes: Axes) -> list[float]:
    """The values of the first dots that were drawn."""
    first = next(one for one in axes.collections if isinstance(one, PathCollection))
    return [float(x) for x in np.asarray(first.get_offsets())[:, 0]]


def test_the_figure_says_what_the_table_says(
    stores: dict[str, Path], fakes: dict[str, Fake], tmp_path: Path
) -> None:
    table = compare(stores, tmp_path, ("colours", "blind")).reset_index()
    assert set(EMBEDDER_COLUMNS) <= set(table.columns)
    with publication():
        shown = embedders.draw(table)
        untested = embedders.draw(table.assign(tested=0, confirmed=0, mean_cosine=np.nan))
    counts, cosines, labels = shown.figure.axes
    assert dots(counts) == list(table["confirmed"])
    assert dots(cosines) == list(table["mean_cosine"])
    assert dots(labels) == list(table["label_overlap"])
    assert re.search(r"Colours \(3 features\): [^;]+ of 2 tested codes are confirmed", shown.caption)
    assert "are confirmed" in shown.figure.get_suptitle()
    assert "No code could be tested" in untested.figure.get_suptitle()
