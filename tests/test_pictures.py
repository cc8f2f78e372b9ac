"""What the page is made of: sheets of pictures, average maps, numbers on frames."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from madeup import sources, write_inputs
from PIL import Image

from irislib.report.config import PlotsConfig
from irislib.report.inputs import Inputs, load_inputs
from irislib.report.page import sprites
from irislib.report.page.sprites import Sheet, Sprite, embed, pack
from irislib.report.page.together import APART, _choose, _spaced
from irislib.report.palette import few_colours
from irislib.report.pictures import average_maps, distinct_crops, overlay, peak, read_crops, read_non_empty

CODES = 20
CONFIG = PlotsConfig(codes=3, crops=2, groups=2, frames=4, tsne_perplexity=30.0, dpi=50)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    path = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(2)
    frames = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
    write_inputs(path, frames, rng.integers(0, CODES - 2, (40, 4, 4)).astype(np.int16), CODES)
    return load_inputs(CONFIG, seed=0, **sources(path), reports=path / "reports")


def pixels(uri: str, mode: str = "RGB") -> np.ndarray:
    data = base64.b64decode(uri.removeprefix("data:image/webp;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode))


def cut(sheets: list[Sheet], sprite: Sprite, cell: int) -> np.ndarray:
    """A sprite's pixels, as a browser finds them."""
    y, x = sprite.y * cell, sprite.x * cell
    return pixels(sheets[sprite.sheet].image.uri, "RGBA")[y : y + cell, x : x + cell]


def test_every_sprite_is_where_it_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sprites, "ACROSS", 3)
    monkeypatch.setattr(sprites, "PER_SHEET", 7)
    rng = np.random.default_rng(0)
    pictures = [mosaic(rng, 8, 8) for _ in range(17)]
    sheets, places = pack(pictures, 8)
    assert [(sheet.across, sheet.down) for sheet in sheets] == [(3, 3), (3, 3), (3, 1)]
    for picture, place in zip(pictures, places, strict=True):
        assert (cut(sheets, place, 8) == np.dstack([picture, np.full((8, 8), 255)])).all()
    assert pack(pictures, 8) == (sheets, places)
    assert pack([], 8) == ([], [])


@pytest.mark.parametrize("shape", [(8, 4), (3, 8), (16, 16), (32, 8), (1, 1)])
def test_a_picture_fills_its_cell_in_its_own_proportions(shape: tuple[int, int]) -> None:
    sheets, places = pack([np.full((*shape, 3), 200, np.uint8)], 8)
    opaque = cut(sheets, places[0], 8)[..., 3] == 255
    height, width = (np.flatnonzero(opaque.any(axis)).size for axis in (1, 0))
    assert max(height, width) == 8
    assert opaque.sum() == height * width
    assert height / width == pytest.approx(shape[0] / shape[1], rel=0.15)


def mosaic(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A picture u8 of random pixels in 216 colours."""
    return rng.integers(0, 6, (height, width, 3), np.uint8) * np.uint8(51)


@pytest.mark.parametrize("seed", range(5))
def test_a_picture_of_few_colours_keeps_each_pixel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (rng.integers(1, 257), 3), np.uint8)
    picture = palette[rng.integers(len(palette), size=(40, 60))]
    kept = few_colours(Image.fromarray(picture))
    assert kept.mode == "P"
    assert (np.asarray(kept.convert("RGB")) == picture).all()


def test_a_picture_of_many_colours_hardly_changes_and_a_rare_colour_stays() -> None:
    across = np.linspace(0, 255, 256)
    picture = np.dstack([np.tile(across, (256, 1)), np.tile(across, (256, 1)).T, np.zeros((256, 256))])
    picture[100, 3:9] = 0, 0, 255  # a thin line
    picture = picture.round().astype(np.uint8)
    made = few_colours(Image.fromarray(picture))
    kept = np.asarray(made.convert("RGB"))
    assert len(np.unique(kept.reshape(-1, 3), axis=0)) <= 256
    assert np.abs(kept.astype(int) - picture).mean() < 5
    assert (kept[100, 3:9, 2] > 200).all()
    assert made.tobytes() == few_colours(Image.fromarray(picture)).tobytes()


def test_transparency_is_kept() -> None:
    rng = np.random.default_rng(0)
    alpha = rng.integers(0, 256, (20, 30), np.uint8)
    kept = few_colours(Image.fromarray(np.dstack([mosaic(rng, 20, 30), alpha])))
    assert (np.asarray(kept)[..., 3] == alpha).all()
    opaque = few_colours(Image.fromarray(np.dstack([mosaic(rng, 20, 30), np.full_like(alpha, 255)])))
    assert opaque.mode == "P"


def test_embedding_loses_nothing_of_few_colours() -> None:
    picture = mosaic(np.random.default_rng(1), 20, 30)
    made = embed(Image.fromarray(picture))
    assert (made.width, made.height) == (30, 20)
    assert (pixels(made.uri) == picture).all()


def test_crops_are_cut_from_their_frames(inputs: Inputs) -> None:
    rows = distinct_crops(inputs).index.to_numpy()[::-1]
    steps, boxes = inputs.crops.read("crop_step"), inputs.crops.read("crop_box")
    for row, crop in zip(rows, read_crops(inputs, rows), strict=True):
        y0, x0, y1, x1 = boxes[row]
        assert (crop == inputs.rollouts.read("obs")[steps[row], y0:y1, x0:x1]).all()
    assert read_crops(inputs, rows[:0]) == []


def test_average_maps_equal_brute_force(inputs: Inputs) -> None:
    maps, owner = inputs.changes.read("heatmap"), inputs.changes.read("map_code")
    expected: dict[int, np.ndarray] = {}
    for which in inputs.changes.read("occurrence_map"):
        if maps[which].max() > 0:
            scaled = maps[which].astype(float) / maps[which].max()
            expected[int(owner[which])] = expected.get(int(owner[which]), 0) + scaled
    found = average_maps(inputs)
    assert found.keys() == expected.keys() != set()
    for code, average in found.items():
        assert average == pytest.approx(expected[code] / expected[code].max())


def test_non_empty_maps_equal_brute_force(inputs: Inputs) -> None:
    lit = read_non_empty(inputs)
    maps, owner = inputs.changes.read("heatmap"), inputs.changes.read("map_code")
    seen: dict[int, dict[int, int]] = {code: {} for code in range(CODES)}
    for step, which in zip(
        inputs.changes.read("occurrence_step"), inputs.changes.read("occurrence_map"), strict=True
    ):
        if maps[which].max() > 0:
            seen[int(owner[which])][int(step)] = int(which)
    for code, steps in seen.items():
        assert lit.steps_of(code).tolist() == sorted(steps)
        assert {step: lit.map_of(code, step) for step in steps} == steps
    trio = (0, 2, 4)
    assert lit.together(trio).tolist() == sorted(set.intersection(*(set(seen[code]) for code in trio)))


def test_an_overlay_is_its_colour_at_the_peak_and_the_frame_elsewhere() -> None:
    frame = np.full((16, 16, 3), 100, np.uint8)
    one = np.zeros((1, 4, 4), np.float32)
    one[0, 1, 2] = 3.0
    shown = overlay(frame, one, [(255, 0, 200)], most=1.0)
    y, x = (int(16 * part) for part in peak((16, 16), one[0]))
    assert (y // 4, x // 4) == (1, 2)
    assert abs(shown[y, x].astype(int) - (255, 0, 200)).max() < 60
    assert (shown[12:] == 100).all()


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_numbers_on_a_frame_stay_inside_and_apart(count: int) -> None:
    for mark in ((0.0, 0.0), (1.0, 0.5), (0.5, 0.5)):
        placed = _spaced([mark] * count)
        assert all(0 < at < 1 for place in placed for at in place)
        apart = [max(abs(a[0] - b[0]), abs(a[1] - b[1])) for i, a in enumerate(placed) for b in placed[:i]]
        assert all(distance > 0.98 * APART for distance in apart)


def test_groups_are_meaningful_ones_and_the_text_says_which() -> None:
    table = pd.DataFrame({"count": [9, 8, 5], "meaningful": [False, True, True]})
    top, about = _choose(table, "pair", 1)
    assert list(top["count"]) == [8]
    assert about.startswith("The most frequent of 2 meaningful pairs")
    assert _choose(table, "pair", 3)[1].startswith("All 2 meaningful pairs")
    assert _choose(table[:2], "set", 3)[1].startswith("The only meaningful set")
    top, about = _choose(table[:1], "set", 3)
    assert len(top) == 0
    assert about.startswith("No set of consistent codes is meaningful. ")
    assert _choose(table[:0], "set", 3)[1].startswith("There is no set of three or more")
