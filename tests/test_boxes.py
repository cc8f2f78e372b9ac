"""Sums over the labelled rectangles of a frame."""

import numpy as np
import pytest

from irislib.interpret.boxes import Boxes
from irislib.interpret.upsampling import upsample
from irislib.worlds.crafter.game import ITEM_NAMES, CrafterConfig, cell_boxes

CRAFTER = Boxes((64, 64), cell_boxes(7), 63)


def mass_of(values: np.ndarray) -> np.ndarray:
    """A map's mass on each cell, as shares."""
    mass: np.ndarray = values.ravel() @ CRAFTER.weights(values.shape)
    mass /= mass.sum()
    return mass


def test_uniform_map_weighs_cells_of_one_size_alike() -> None:
    np.testing.assert_allclose(mass_of(np.ones((4, 4), np.float32)), 1 / 81, rtol=1e-5)


def test_weights_keep_all_mass_but_the_margins() -> None:
    weights = CRAFTER.weights((4, 4))
    assert weights.shape == (16, 81)
    # Every pixel is shared out among the values around it; one row and one column of 64 are margin.
    total = weights.sum(axis=1).reshape(4, 4)
    np.testing.assert_allclose(total.sum(), 63 * 63, rtol=1e-5)
    np.testing.assert_allclose(total[:3, :3].sum(), 48 * 48, rtol=1e-5)


def test_full_resolution_map_needs_no_interpolation() -> None:
    values = np.zeros((64, 64), np.float32)
    values[7 * 2 : 7 * 3, 7 * 5 : 7 * 6] = 3  # cell (2, 5)
    values[50, 10] = 49  # the second cell of the inventory
    values[3, 63] = 1000  # margin
    mass = mass_of(values)
    assert mass[2 * 9 + 5] == pytest.approx(0.75)
    assert mass[CRAFTER.world + 1] == pytest.approx(0.25)


def test_patches_share_out_the_pixels_of_the_frame() -> None:
    patches = CRAFTER.patches((4, 4))
    np.testing.assert_allclose(patches.sum(axis=0), 49)
    assert patches[5].sum() == 16 * 16
    assert patches[0].reshape(9, 9)[:3, :3].tolist() == [[49, 49, 14], [49, 49, 14], [14, 14, 4]]


def rectangles(rng: np.random.Generator, frame: tuple[int, int], count: int) -> np.ndarray:
    """Random ones, empty ones and the whole frame among them; they may overlap, which sums do not mind."""
    first = rng.integers(0, frame, (count, 2))
    last = rng.integers(first, frame, endpoint=True)
    return np.concatenate([[(0, 0, *frame)], np.hstack([first, last])]).astype(np.int16)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_sums_over_rectangles_are_sums_over_their_pixels(dtype: type) -> None:
    rng = np.random.default_rng(0)
    frame = (13, 22)
    boxes = Boxes(frame, rectangles(rng, frame, 40), 20)
    pixels = rng.integers(0, 256, (6, *frame)) if dtype is not bool else rng.random((6, *frame)) < 0.5
    pixels = pixels.astype(dtype)
    expected = np.stack([pixels[:, y0:y1, x0:x1].sum(axis=(1, 2)) for y0, x0, y1, x1 in boxes.corners], 1)
    found = boxes.sum_pixels(pixels)
    assert found.dtype == (np.float64 if dtype is np.float32 else np.int64)
    np.testing.assert_array_equal(found, expected)
    ones = np.ones((1, *frame), bool)
    np.testing.assert_array_equal(boxes.area, boxes.sum_pixels(ones)[0])


@pytest.mark.parametrize("grid", [(4, 4), (3, 5), (13, 22), (1, 1)])
def test_weights_are_those_of_upsampled_maps(grid: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    frame = (13, 22)
    boxes = Boxes(frame, rectangles(rng, frame, 30), 30)
    maps = rng.random((5, *grid), np.float32)
    expected = boxes.sum_pixels(upsample(maps, frame))
    np.testing.assert_allclose(maps.reshape(5, -1) @ boxes.weights(grid), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("grid", [(4, 4), (3, 5), (13, 22), (5, 44)])
def test_patches_are_areas_that_need_not_be_whole_pixels(grid: tuple[int, int]) -> None:
    """Against a count on a frame that is enlarged until every patch has whole pixels."""
    rng = np.random.default_rng(2)
    frame, scale = (13, 22), grid
    boxes = Boxes(frame, rectangles(rng, frame, 30), 30)
    owner = np.kron(np.arange(grid[0] * grid[1]).reshape(grid), np.ones(frame, int))
    for box, shared in zip(boxes.corners.astype(int), boxes.patches(grid).T, strict=True):
        inside = owner[box[0] * scale[0] : box[2] * scale[0], box[1] * scale[1] : box[3] * scale[1]]
        counts = np.bincount(inside.ravel(), minlength=len(shared))
        np.testing.assert_allclose(shared, counts / (scale[0] * scale[1]), rtol=1e-5, atol=1e-6)


def test_crafter_shows_every_item_in_its_own_cell_of_the_display() -> None:
    config = CrafterConfig()
    world, description = config.make(), config.describe()
    world.reset(seed=0)
    inventory = world._game._player.inventory
    inventory.update(dict.fromkeys(inventory, 0))
    empty = world._game.render().astype(int)
    assert list(inventory) == list(ITEM_NAMES) == list(description.quantities)
    boxes = Boxes(config.frame, np.concatenate([description.world_boxes, description.display_boxes]), 63)
    for i, item in enumerate(inventory):
        inventory[item] = 5
        changed = (world._game.render() != empty).any(axis=2)
        inventory[item] = 0
        assert np.flatnonzero(boxes.sum_pixels(changed[None])[0]).tolist() == [63 + i]
        assert description.quantity_box[i] == i
