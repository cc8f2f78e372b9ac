"""The embedder's lessons: what windows show, staged scenes, and whether a network learns from them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from crafter.engine import World

from irislib.artifacts import digest
from irislib.errors import ParamError
from irislib.interpret.embedding.exam import confusions, grade, recall, recognise
from irislib.interpret.embedding.recogniser import load_recogniser
from irislib.interpret.embedding.recognition import EmbedderConfig, Windows, train_embedder
from irislib.interpret.embedding.resnet import ResNet50
from irislib.interpret.embedding.windows import WindowLabels, share_labels
from irislib.params import parse_value
from irislib.worlds.crafter import ITEM_NAMES, LABEL_NAMES, CrafterEnv, EnvConfig, cell_size
from irislib.worlds.crafter_scenes import LABELS, PER_WORLD, Scenes, StagedCrafter, play_scenes, stage_scenes

ENV = EnvConfig()
CELL = cell_size(ENV.size)
SMALL = WindowLabels(("void", "grass", "tree"), ("health", "wood"))
TINY = EmbedderConfig(
    width=16, size=32, scenes=60, steps=70, batch_size=48, learning_rate=0.003, evaluation=6
)


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    """Of two worlds."""
    return stage_scenes(ENV, PER_WORLD + 20, 0, "test")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "embedder"
    train_embedder(TINY, ENV, 0, out)
    return out


def test_shares_are_what_a_count_over_pixels_says() -> None:
    rng = np.random.default_rng(0)
    semantic, amounts = rng.integers(0, 3, (40, 3, 4)), rng.integers(0, 10, (40, 2))
    cells, cell, frame = SMALL.of_cells(semantic, amounts), 3, 14  # a margin of two pixels
    assert cells.shape == (40, 4, 4)
    corner = rng.integers(0, frame, (40, 2))
    box = np.concatenate([corner, rng.integers(corner + 1, frame, endpoint=True)], axis=1)
    box[0], box[1] = (0, 0, frame, frame), (12, 12, 14, 14)
    shares = share_labels(cells, cell, box, SMALL)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    for n, (y0, x0, y1, x1) in enumerate(box):
        pixels = np.full((frame, frame), SMALL.blank)
        pixels[:12, :12] = np.kron(cells[n], np.ones((cell, cell), int))
        counts = np.bincount(pixels[y0:y1, x0:x1].ravel(), minlength=len(SMALL))
        np.testing.assert_allclose(shares[n], counts / counts.sum(), rtol=1e-6)
    assert shares[1, SMALL.blank] == 1


def test_labels_of_cells_are_things_items_and_numbers() -> None:
    (cells,) = SMALL.of_cells(np.array([[[0, 1, 2]] * 2]), np.array([[0, 7]]))
    assert cells[:2].tolist() == [[0, 1, 2]] * 2
    nothing, wood, beyond = cells[2]
    assert nothing == beyond == SMALL.blank
    assert SMALL.names[SMALL.thing[wood]] == "inventory: wood"
    assert wood == len(SMALL) - 9 + 6
    assert len(SMALL) == len(SMALL.thing) == 3 + 1 + 2 * 9
    assert set(SMALL.thing) == set(range(len(SMALL.names)))


def test_scenes_repeat_and_their_worlds_differ_by_name(scenes: Scenes) -> None:
    again = stage_scenes(ENV, 3, 0, "test")
    assert (again.obs == scenes.obs[:3]).all() and (again.cells == scenes.cells[:3]).all()
    other = stage_scenes(ENV, 3, 0, "other")
    assert (other.cells != again.cells).any(axis=(1, 2)).all()


def test_scenes_show_every_label_and_play_does_not(scenes: Scenes) -> None:
    assert set(LABELS.thing[scenes.cells].ravel()) == set(range(len(LABELS.names)))
    assert scenes.asleep.any() and not scenes.asleep.all()
    assert (scenes.daylight < 0.5).any() and (scenes.daylight > 0.9).any()
    play = play_scenes(ENV, 30, 0, "test")
    assert len(play.obs) == 30
    shown = {LABELS.names[thing] for thing in np.unique(LABELS.thing[play.cells])}
    assert {"grass", "player", "inventory: health"} <= shown
    assert not {"diamond", "furnace"} & shown


def test_play_is_the_environments_own() -> None:
    stage, env = StagedCrafter(ENV), CrafterEnv(ENV)
    for one in (stage, env):
        obs, info = one.reset(seed=3)
    for action in (1, 3, 6, 5):
        frame, *_, info = env.step(np.int64(action))
        obs, *_ = stage.step(np.int64(action))
        taken, cells, _, asleep = stage.photograph(obs)
        assert (taken == frame).all()
        assert (cells[:7] == info["semantic"]).all()
        assert (cells[7:] == LABELS.of_cells(info["semantic"][None], info["inventory"][None])[0, 7:]).all()
        assert asleep is (stage._game._player.sleeping)


def objects_of(world: World) -> list[tuple[type, tuple[int, ...]]]:
    return sorted(((type(o), tuple(o.pos)) for o in world.objects), key=str)


def test_setting_a_scene_takes_away_what_the_last_one_put_there() -> None:
    stage = StagedCrafter(ENV)
    stage.reset(seed=0)
    world = stage._game._world
    ground, before = world._mat_map.copy(), objects_of(world)
    for n in range(9):
        stage.set_scene(np.random.default_rng(n))
    assert (world._mat_map != ground).any() or len(objects_of(world)) > len(before)
    stage._tidy_up()
    assert (world._mat_map == ground).all()
    player = type(stage._game._player)
    assert [o for o in objects_of(world) if o[0] is not player] == [o for o in before if o[0] is not player]


def test_by_day_a_cells_pixels_are_its_labels(scenes: Scenes) -> None:
    """The same material at full daylight looks the same wherever it is: labels are where pixels are."""
    bright = (scenes.daylight > 0.999) & ~scenes.asleep
    looks: dict[int, set[bytes]] = {}
    for obs, cells in zip(scenes.obs[bright], scenes.cells[bright], strict=True):
        for (row, column), label in np.ndenumerate(cells):
            if LABEL_NAMES.index("diamond") >= label > 0 or label >= LABELS.blank:
                cell = obs[CELL * row : CELL * (row + 1), CELL * column : CELL * (column + 1)]
                looks.setdefault(int(label), set()).add((cell // 32).tobytes())
    assert len(looks) > len(ITEM_NAMES)
    for label, seen in looks.items():
        # The light dims what is drawn by its last per cent; items are not lit at all.
        assert len(seen) <= (1 if label >= LABELS.blank else 3)
    items = [next(iter(seen)) for label, seen in looks.items() if label >= LABELS.blank]
    assert len(set(items)) == len(items)  # a number is told from a number


def test_windows_stay_in_their_frames_and_half_are_cells_of_every_label_alike(scenes: Scenes) -> None:
    windows = Windows(scenes, CELL)
    scene, box = windows.draw(4000, np.random.default_rng(0))
    assert box[:, :2].min() == 0 and (box[:, 2:] > box[:, :2]).all() and box[:, 2:].max() == ENV.size
    sides = box[:, 2:] - box[:, :2]
    assert sides.min() == 4 and sides.max() == ENV.size
    shares = share_labels(scenes.cells[scene], CELL, box, LABELS)
    aligned = (sides == CELL).all(axis=1) & (box[:, :2] % CELL == 0).all(axis=1)
    assert (shares[aligned].max(axis=1) == 1).all()
    assert aligned.mean() == pytest.approx(0.5, abs=0.05)
    things = np.bincount(LABELS.thing[shares[aligned].argmax(axis=1)], minlength=len(LABELS.names))
    assert things.min() > 0.5 * things.mean()
    pictures, same = windows.batch(5, 32, np.random.default_rng(1))
    again = windows.draw(5, np.random.default_rng(1))
    assert pictures.shape == (5, 3, 32, 32)
    np.testing.assert_array_equal(same, share_labels(scenes.cells[again[0]], CELL, again[1], LABELS))


def test_training_repeats_bit_by_bit_whatever_the_threads_and_follows_the_seed(
    tmp_path: Path,
) -> None:
    config = EmbedderConfig(16, 32, scenes=4, steps=2, batch_size=4, learning_rate=0.001, evaluation=1)
    threads = torch.get_num_threads()
    try:
        for name, seed, ours in (("a", 0, 1), ("b", 0, 2), ("c", 1, 1)):
            torch.set_num_threads(ours)
            train_embedder(config, ENV, seed, tmp_path / name)
            assert torch.get_num_threads() == ours
    finally:
        torch.set_num_threads(threads)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_a_short_training_beats_chance_on_new_worlds(trained: Path) -> None:
    evaluation = json.loads((trained / "evaluation.json").read_text())
    assert evaluation["accuracy"] == evaluation["play"]["accuracy"] > 0.9
    assert evaluation["accuracy_mean_over_labels"] > 5 / len(LABELS.names)
    assert evaluation["staged"]["cells"] == TINY.evaluation * 81
    assert 0 < (trained / "model.safetensors").stat().st_size < 3_300_000


def test_windows_of_one_sprite_are_closer_than_windows_of_two(trained: Path) -> None:
    recogniser = load_recogniser(trained)
    embedder, held_out = ResNet50(recogniser.net, recogniser.size), stage_scenes(ENV, 40, 0, "held out")
    wanted = [LABELS.names.index(name) for name in ("water", "sand", "lava", "inventory: health")]
    rng = np.random.default_rng(0)
    crops, things = [], []
    for thing in wanted:
        found = np.argwhere(LABELS.thing[held_out.cells] == thing)
        for scene, row, column in found[rng.permutation(len(found))[:12]]:
            y, x = CELL * row, CELL * column
            crops.append(held_out.obs[scene, y : y + CELL, x : x + CELL])
            things.append(thing)
    features, same = embedder(crops).astype(np.float64), np.equal.outer(things, things)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = units @ units.T
    others = ~np.eye(len(units), dtype=bool)
    assert cosines[same & others].mean() > cosines[~same].mean() + 0.1


def test_grades_of_known_answers(scenes: Scenes) -> None:
    truth = scenes.cells
    perfect = grade(scenes, truth, LABELS, 7)
    assert {v for k, v in perfect.items() if k != "cells"} == {1.0}
    grass = np.full_like(truth, LABEL_NAMES.index("grass"))
    lazy = grade(scenes, grass, LABELS, 7)
    share = (truth[:, :7] == grass[:, :7]).mean()
    assert lazy["world"] == pytest.approx(share)
    assert (lazy["inventory"], lazy["numbers"]) == (0, 0)
    assert lazy["accuracy_mean_over_labels"] == pytest.approx(1 / len(LABELS.names))
    assert recall(truth, grass, LABELS)[LABEL_NAMES.index("grass")] == 1
    assert all(key.endswith(" as grass") and v == 1 for key, v in confusions(truth, grass, LABELS).items())
    assert confusions(truth, truth, LABELS) == {}
    miscounted = np.where(truth > LABELS.blank, LABELS.blank + 1, truth)
    one = grade(scenes, miscounted, LABELS, 7)
    assert one["world"] == 1 and one["inventory"] < 1 and one["numbers"] < 0.2


def test_recognition_looks_at_identical_cells_once_and_puts_answers_back(
    trained: Path, scenes: Scenes
) -> None:
    recogniser = load_recogniser(trained)
    few = Scenes(scenes.obs[:2], scenes.cells[:2], scenes.daylight[:2], scenes.asleep[:2])
    twice = Scenes(*(np.concatenate([a, a[::-1]]) for a in (few.obs, few.cells, few.daylight, few.asleep)))
    found, again = recognise(recogniser, few, CELL), recognise(recogniser, twice, CELL)
    assert (again == np.concatenate([found, found[::-1]])).all()


@pytest.mark.parametrize("width", [8, 24, 80])
def test_an_impossible_width_is_refused(width: int) -> None:
    values = {"width": width, "size": 32, "scenes": 1, "steps": 1, "batch_size": 2}
    with pytest.raises(ParamError, match=r"^embedder\.width: "):
        parse_value({**values, "learning_rate": 0.1, "evaluation": 1}, "embedder", EmbedderConfig)
