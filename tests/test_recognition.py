"""The embedder's lessons: what windows show, staged scenes, and whether a network learns from them."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import tiny_world
import torch
from crafter.engine import World
from recordings import describe

from irislib.artifacts import digest
from irislib.errors import ArtifactError, IrislibError, ParamError
from irislib.interpret.embedding.exam import confusions, grade, recall, recognise
from irislib.interpret.embedding.recogniser import load_recogniser
from irislib.interpret.embedding.recognition import EmbedderConfig, train_embedder
from irislib.interpret.embedding.resnet import ResNet50, learned_projection
from irislib.interpret.embedding.weights import random_resnet50
from irislib.interpret.embedding.window_sampling import Windows
from irislib.interpret.embedding.windows import WindowLabels, share_labels
from irislib.params import parse_value
from irislib.worlds.crafter.game import (
    ITEM_NAMES,
    LABEL_NAMES,
    CrafterConfig,
    CrafterWorld,
    cell_boxes,
)
from irislib.worlds.crafter.scenes import PER_WORLD, CrafterScenes, StagedCrafter
from irislib.worlds.scenes import Scenes

ENV = CrafterConfig()
SOURCE = CrafterScenes(ENV)
LABELS = WindowLabels.of(ENV.describe())
BOXES = cell_boxes(ENV.cell).astype(np.int64)
# The second of three rectangles of the display shows nothing, the other two a quantity each.
SMALL = WindowLabels.of(
    describe(
        labels=("void", "grass", "tree"),
        display_boxes=np.zeros((3, 4), np.int16),
        quantities=("age", "health", "wood"),
        quantity_box=np.array([-1, 2, 0], np.int16),
    )
)
TINY = EmbedderConfig(
    width=16,
    window_size=32,
    features=64,
    scenes=60,
    steps=140,
    batch_size=48,
    learning_rate=0.003,
    evaluation=6,
)


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    """Of two worlds."""
    return SOURCE.stage(PER_WORLD + 20, 0, "test")


def cells_of(scenes: Scenes) -> np.ndarray:
    """The window label of every cell, int64 [N,81]."""
    return LABELS.of_boxes(scenes.label, scenes.quantity)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "embedder"
    train_embedder(TINY, ENV, 0, out)
    return out


def test_shares_are_what_a_count_over_pixels_says() -> None:
    """Rectangles of odd sizes, with gaps between them, in a frame that is not square."""
    rng = np.random.default_rng(0)
    frame = (14, 23)
    boxes = np.array([(0, 0, 5, 9), (0, 9, 5, 23), (5, 2, 11, 3), (6, 3, 9, 20), (11, 0, 14, 4)])
    boxes = np.concatenate([boxes, [(11, 5, 13, 12), (11, 12, 14, 23)]])
    label = SMALL.of_boxes(
        rng.integers(0, 3, (40, 4)).astype(np.uint8), rng.integers(0, 12, (40, 3)).astype(np.uint8)
    )
    corner = rng.integers(0, frame, (40, 2))
    window = np.concatenate([corner, rng.integers(corner + 1, frame, endpoint=True)], axis=1)
    window[0], window[1] = (0, 0, *frame), (9, 4, 11, 19)
    shares = share_labels(label, boxes, window, SMALL)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    for n, (y0, x0, y1, x1) in enumerate(window):
        pixels = np.full(frame, SMALL.blank)
        for (top, left, bottom, right), shown in zip(boxes, label[n], strict=True):
            pixels[top:bottom, left:right] = shown
        counts = np.bincount(pixels[y0:y1, x0:x1].ravel(), minlength=len(SMALL))
        np.testing.assert_allclose(shares[n], counts / counts.sum(), rtol=1e-6)
    assert shares[1, SMALL.blank] == 1


def test_labels_of_rectangles_are_things_quantities_and_numbers() -> None:
    world, quantity = np.array([[0, 1, 2, 1]], np.uint8), np.array([[5, 0, 7]], np.uint8)
    (label,) = SMALL.of_boxes(world, quantity)
    assert label[:4].tolist() == [0, 1, 2, 1]
    wood, empty, health = label[4:]
    assert empty == health == SMALL.blank  # nothing is drawn there, and there is none
    assert SMALL.names[SMALL.thing[wood]] == "display: wood"
    assert wood == len(SMALL) - 9 + 6
    assert len(SMALL) == len(SMALL.thing) == 3 + 1 + 2 * 9
    assert set(SMALL.thing) == set(range(len(SMALL.names)))
    (most,), (more,) = (SMALL.of_boxes(world, np.array([[5, 0, n]], np.uint8)) for n in (9, 200))
    assert most.tolist() == more.tolist()  # what is not drawn is not told


def test_scenes_repeat_and_their_worlds_differ_by_name(scenes: Scenes) -> None:
    again = SOURCE.stage(3, 0, "test")
    assert (again.obs == scenes.obs[:3]).all() and (again.label == scenes.label[:3]).all()
    other = SOURCE.stage(3, 0, "other")
    assert (other.label != again.label).any(axis=1).all()


def test_scenes_show_every_label_and_play_does_not(scenes: Scenes) -> None:
    assert set(LABELS.thing[cells_of(scenes)].ravel()) == set(range(len(LABELS.names)))
    assert list(scenes.strata) == ["by_day", "in_the_dark", "asleep"]
    assert (np.sum([*scenes.strata.values()], axis=0) == 1).all()
    assert all(rows.any() for rows in scenes.strata.values())
    play = SOURCE.play(30, 0, "test")
    assert len(play.obs) == 30
    shown = {LABELS.names[thing] for thing in np.unique(LABELS.thing[cells_of(play)])}
    assert {"grass", "player", "display: health"} <= shown
    assert not {"diamond", "furnace"} & shown


def test_play_is_the_environments_own() -> None:
    stage, env = StagedCrafter(ENV), CrafterWorld(ENV)
    for one in (stage, env):
        obs, info = one.reset(seed=3)
    for action in (1, 3, 6, 5):
        frame, *_, info = env.step(np.int64(action))
        obs, *_ = stage.step(np.int64(action))
        taken, label, quantity, daylight, asleep = stage.photograph(obs)
        assert (taken == frame).all()
        assert (label == info["label"]).all() and (quantity == info["quantity"]).all()
        assert asleep is stage._game._player.sleeping is info["hidden"]
        assert daylight == info["daylight"]


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


def test_by_day_a_cells_pixels_are_its_labels() -> None:
    """The same material at full daylight looks the same wherever it is: labels are where pixels are."""
    stage, looks = StagedCrafter(ENV), dict[int, set[bytes]]()
    stage.reset(seed=0)
    for number in range(400):
        stage.set_scene(np.random.default_rng(number))
        obs, world, quantity, daylight, asleep = stage.photograph()
        if daylight <= 0.999 or asleep:
            continue
        (labels,) = LABELS.of_boxes(world[None], quantity[None])
        for (y0, x0, y1, x1), label in zip(BOXES, labels, strict=True):
            if LABEL_NAMES.index("diamond") >= label > 0 or label >= LABELS.blank:
                cell = obs[y0:y1, x0:x1]
                looks.setdefault(int(label), set()).add((cell // 32).tobytes())
    assert len(looks) > len(ITEM_NAMES)
    for label, seen in looks.items():
        # The light dims what is drawn by its last per cent; items are not lit at all.
        assert len(seen) <= (1 if label >= LABELS.blank else 3)
    items = [next(iter(seen)) for label, seen in looks.items() if label >= LABELS.blank]
    assert len(set(items)) == len(items)  # a number is told from a number


def test_windows_stay_in_their_frames_and_half_are_cells_of_every_label_alike(scenes: Scenes) -> None:
    cells = cells_of(scenes)
    windows = Windows(scenes, cells, BOXES, LABELS)
    scene, box = windows.draw(4000, np.random.default_rng(0))
    assert box[:, :2].min() == 0 and (box[:, 2:] > box[:, :2]).all() and box[:, 2:].max() == ENV.frame_size
    sides = box[:, 2:] - box[:, :2]
    assert sides.min() == 4 and sides.max() == ENV.frame_size
    shares = share_labels(cells[scene], BOXES, box, LABELS)
    aligned = (sides == ENV.cell).all(axis=1) & (box[:, :2] % ENV.cell == 0).all(axis=1)
    assert (shares[aligned].max(axis=1) == 1).all()
    assert aligned.mean() == pytest.approx(0.5, abs=0.05)
    things = np.bincount(LABELS.thing[shares[aligned].argmax(axis=1)], minlength=len(LABELS.names))
    assert things.min() > 0.5 * things.mean()
    pictures, same = windows.batch(5, 32, np.random.default_rng(1))
    again = windows.draw(5, np.random.default_rng(1))
    assert pictures.shape == (5, 3, 32, 32)
    np.testing.assert_array_equal(same, share_labels(cells[again[0]], BOXES, again[1], LABELS))


def test_training_repeats_bit_by_bit_whatever_the_threads_and_follows_the_seed(
    tmp_path: Path,
) -> None:
    config = EmbedderConfig(16, 32, 64, scenes=4, steps=2, batch_size=4, learning_rate=0.001, evaluation=1)
    threads = torch.get_num_threads()
    try:
        for name, seed, ours in (("a", 0, 1), ("b", 0, 2), ("c", 1, 1)):
            torch.set_num_threads(ours)
            train_embedder(config, ENV, seed, tmp_path / name)
            assert torch.get_num_threads() == ours
    finally:
        torch.set_num_threads(threads)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def commonest(scenes: Scenes) -> float:
    """The accuracy of always giving the commonest answer."""
    return float(np.bincount(LABELS.thing[cells_of(scenes)].ravel()).max() / cells_of(scenes).size)


def test_a_short_training_beats_the_commonest_answer_on_new_worlds(trained: Path) -> None:
    evaluation = json.loads((trained / "evaluation.json").read_text())
    assert evaluation["accuracy"] == evaluation["play"]["accuracy"]
    for name, draw in (("play", SOURCE.play), ("staged", SOURCE.stage)):
        judged = draw(TINY.evaluation, 0, "embedder", name)
        assert evaluation[name]["boxes"] == cells_of(judged).size
        missed = 1 - evaluation[name]["accuracy"]
        assert missed < (1 - commonest(judged)) / 2  # at most half as many mistakes
    assert evaluation["accuracy_mean_over_labels"] > 5 / len(LABELS.names)
    assert evaluation["staged"]["boxes"] == TINY.evaluation * 81
    assert 0 < (trained / "model.safetensors").stat().st_size < 3_300_000


def test_windows_of_one_sprite_are_closer_than_windows_of_two(trained: Path) -> None:
    recogniser = load_recogniser(trained)
    embedder = ResNet50(recogniser.net, recogniser.size, learned_projection(recogniser.net))
    held_out = SOURCE.stage(40, 0, "held out")
    wanted = [LABELS.names.index(name) for name in ("water", "sand", "lava", "display: health")]
    rng = np.random.default_rng(0)
    crops, things = [], []
    for thing in wanted:
        found = np.argwhere(LABELS.thing[cells_of(held_out)] == thing)
        for scene, box in found[rng.permutation(len(found))[:12]]:
            y0, x0, y1, x1 = BOXES[box]
            crops.append(held_out.obs[scene, y0:y1, x0:x1])
            things.append(thing)
    features, same = embedder(crops).astype(np.float64), np.equal.outer(things, things)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = units @ units.T
    others = ~np.eye(len(units), dtype=bool)
    assert cosines[same & others].mean() > cosines[~same].mean() + 0.1


def test_grades_of_known_answers(scenes: Scenes) -> None:
    truth, world = cells_of(scenes), ENV.describe()
    perfect = grade(scenes, truth, truth, LABELS, world)
    assert {v for k, v in perfect.items() if k != "boxes"} == {1.0}
    assert {f"world_{name}" for name in scenes.strata} < set(perfect)
    grass = np.full_like(truth, LABEL_NAMES.index("grass"))
    lazy = grade(scenes, truth, grass, LABELS, world)
    right = truth[:, :63] == grass[:, :63]
    assert lazy["world"] == pytest.approx(right.mean())
    assert lazy["world_asleep"] == pytest.approx(right[scenes.strata["asleep"]].mean())
    assert (lazy["display"], lazy["numbers"]) == (0, 0)
    assert lazy["accuracy_mean_over_labels"] == pytest.approx(1 / len(LABELS.names))
    assert recall(truth, grass, LABELS)[LABEL_NAMES.index("grass")] == 1
    assert all(key.endswith(" as grass") and v == 1 for key, v in confusions(truth, grass, LABELS).items())
    assert confusions(truth, truth, LABELS) == {}
    miscounted = np.where(truth > LABELS.blank, LABELS.blank + 1, truth)
    one = grade(scenes, truth, miscounted, LABELS, world)
    assert one["world"] == 1 and one["display"] < 1 and one["numbers"] < 0.2


def test_recognition_looks_at_equal_rectangles_once_and_puts_answers_back(
    trained: Path, scenes: Scenes
) -> None:
    recogniser = load_recogniser(trained)
    few = Scenes(scenes.obs[:2], scenes.label[:2], scenes.quantity[:2], {})
    obs, label, quantity = (np.concatenate([a, a[::-1]]) for a in (few.obs, few.label, few.quantity))
    twice = Scenes(obs, label, quantity, {})
    boxes = np.concatenate([BOXES[:5], [(0, 0, 20, 31), (40, 3, 60, 34)]])  # two sizes
    found, again = recognise(recogniser, few, boxes), recognise(recogniser, twice, boxes)
    assert (again == np.concatenate([found, found[::-1]])).all()
    assert (found[:, :5] == recognise(recogniser, few, BOXES)[:, :5]).all()


def test_a_world_without_scenes_has_an_untrained_embedder_or_none(tmp_path: Path) -> None:
    env = tiny_world.TinyConfig()
    with pytest.raises(ParamError, match=r"^embedder\.steps: tiny has no scenes .*set 0"):
        train_embedder(TINY, env, 0, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    untrained = tmp_path / "untrained"
    train_embedder(replace(TINY, steps=0), env, 0, untrained)
    assert json.loads((untrained / "evaluation.json").read_text()) == {}
    with pytest.raises(ArtifactError, match=r"is untrained; set embed\.weights"):
        load_recogniser(untrained)
    network = random_resnet50(untrained, 224, seed=1)
    assert network([np.zeros((9, 5, 3), np.uint8)]).shape == (1, TINY.features)


def test_a_training_that_diverges_ends_in_one_line(tmp_path: Path) -> None:
    config = EmbedderConfig(16, 32, 64, scenes=2, steps=6, batch_size=4, learning_rate=1e30, evaluation=1)
    with pytest.raises(IrislibError, match=r"^embedder\.learning_rate: the loss is not finite"):
        train_embedder(config, ENV, 0, tmp_path / "embedder")


@pytest.mark.parametrize(
    ("key", "value"), [("width", 8), ("width", 24), ("width", 80), ("features", 0), ("features", 513)]
)
def test_an_impossible_size_is_refused(key: str, value: int) -> None:
    values = asdict(TINY) | {key: value}
    with pytest.raises(ParamError, match=rf"^embedder\.{key}: "):
        parse_value(values, "embedder", EmbedderConfig)
