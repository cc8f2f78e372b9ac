"""The three kinds of attribution in one record: against sums over pixels, one map at a time."""

import numpy as np
import pytest
from recordings import record_maps, record_play

from irislib.artifacts import Store
from irislib.interpret.boxes import Boxes
from irislib.interpret.crops.attribution_kinds import (
    KINDS,
    Attribution,
    Kind,
    find_position_regions,
    mass_of_positions,
    read_attribution,
)
from irislib.interpret.crops.regions import CropConfig, find_regions
from irislib.interpret.upsampling import upsample
from irislib.stores.changes import CHANGES
from irislib.stores.heatmaps import HEATMAPS

FRAME, MAPS = (16, 16), 12
CROP = CropConfig(threshold=0.5, min_area=4, max_per_code=9, connectivity=1)
# Three rectangles; the rest of the frame has no label.
BOXES = Boxes(FRAME, np.array([(0, 0, 5, 7), (5, 0, 14, 7), (3, 9, 14, 16)], np.int16), 2)

Stores = tuple[Store, dict[Kind, Store]]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    folder, rng = tmp_path_factory.mktemp("stores"), np.random.default_rng(0)
    play = record_play(folder / "r", np.zeros((20, *FRAME, 3), np.uint8), np.zeros((20, 4, 4)), 5)
    code = np.sort(rng.integers(0, 5, MAPS))
    positions = rng.random((MAPS, 4, 4)) < 0.2
    positions[:, 0, 0] |= ~positions.any((1, 2))
    positions[0] = np.eye(4) > 0
    pairs = np.stack([np.sort(rng.integers(0, 20, 40)), rng.integers(0, MAPS, 40)], axis=1)
    change = rng.exponential(size=(MAPS, 4, 4))
    change[3] = 0
    raw = rng.normal(size=(MAPS, 4, 4))
    raw[4] = -1
    changes = record_maps(folder / "c", change, code, pairs, play, positions, CHANGES)
    return play, {
        "change": changes,
        "position": changes,
        "gradcam": record_maps(folder / "h", raw, code, pairs, play, positions, HEATMAPS),
    }


@pytest.fixture(scope="module", params=KINDS)
def found(request: pytest.FixtureRequest, stores: Stores) -> tuple[Attribution, np.ndarray]:
    """The record, and its maps at the size of the frame."""
    kind: Kind = request.param
    store = stores[1][kind]
    large = (
        np.kron(store.read("map_positions"), np.ones((1, 4, 4)))
        if kind == "position"
        else upsample(store.read("heatmap"), FRAME)
    )
    return read_attribution(kind, stores[0], store, BOXES, CROP), large


def test_the_mass_is_the_share_of_the_pixels(found: tuple[Attribution, np.ndarray]) -> None:
    attribution, large = found
    for mass, pixels in zip(attribution.mass, large, strict=True):
        sums = np.array([pixels[y0:y1, x0:x1].sum() for y0, x0, y1, x1 in BOXES.corners])
        expected = sums / sums.sum() if sums.sum() else sums
        np.testing.assert_allclose(mass, expected, atol=1e-5)
    total = attribution.mass.sum(1)
    assert attribution.mass.dtype == np.float32
    assert ((np.abs(total - 1) < 1e-5) | (total == 0)).all()


def test_the_regions_are_those_of_each_map(found: tuple[Attribution, np.ndarray]) -> None:
    attribution, large = found
    expected = find_regions(large.astype(np.float32), FRAME, CROP)
    np.testing.assert_array_equal(attribution.region_map, expected[0])
    np.testing.assert_array_equal(attribution.region_box, expected[1])


def test_which_maps_are_empty(found: tuple[Attribution, np.ndarray], stores: Stores) -> None:
    attribution, large = found
    np.testing.assert_array_equal(attribution.maps.nonempty, large.any((1, 2)))
    empty = {"change": [3], "position": [], "gradcam": [4]}[attribution.kind]
    np.testing.assert_array_equal(np.flatnonzero(~attribution.maps.nonempty), empty)
    assert attribution.maps.nonzero.sum() == MAPS - (attribution.kind == "change")
    store = stores[1][attribution.kind]
    np.testing.assert_array_equal(attribution.maps.occurrence_map, store.read("occurrence_map"))


def test_patches_that_only_touch_at_a_corner_are_two_regions_unless_corners_connect() -> None:
    positions = np.eye(4, dtype=bool)[None]
    rows, _ = find_position_regions(positions, FRAME, CROP)
    assert len(rows) == 4
    rows, box = find_position_regions(positions, FRAME, CropConfig(0.5, 4, 9, connectivity=2))
    assert list(map(tuple, box)) == [(0, 0, 16, 16)]


def test_patches_need_not_be_whole_pixels() -> None:
    """As with 9 x 9 tokens of 64 x 64 pixels; every pixel belongs to one patch, and areas are exact."""
    positions = np.eye(9, dtype=bool)[:, :, None] & np.eye(9, dtype=bool)[:, None]
    config = CropConfig(0.5, 1, 9, 1)
    rows, box = find_position_regions(positions, (64, 64), config)
    np.testing.assert_array_equal(rows, np.arange(9))
    np.testing.assert_array_equal(box[1:, :2], box[:-1, 2:])
    assert (box[0, 0], box[-1, 3]) == (0, 64)
    half = Boxes((64, 64), np.array([(0, 0, 64, 32), (0, 32, 64, 64)], np.int16), 2)
    mass = mass_of_positions(positions, half)
    np.testing.assert_allclose(mass[4], [0.5, 0.5], atol=1e-6)
