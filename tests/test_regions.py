import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from recordings import record_maps, record_play
from scipy import ndimage

from irislib.artifacts import Store, digest, open_store
from irislib.errors import ArtifactError, ParamError
from irislib.interpret.crops import regions
from irislib.interpret.crops.cropping import crop_regions
from irislib.interpret.crops.draws import draw_crops, draw_partners, move_boxes
from irislib.interpret.crops.regions import CropConfig, find_boxes, find_regions, region_levels
from irislib.interpret.evidence import Maps
from irislib.interpret.upsampling import upsample
from irislib.params import parse_value
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS, ELSEWHEN, OWN, RANDOM

FRAME = (16, 16)


def config(
    threshold: float = 0.5, min_area: int = 1, max_per_code: int = 10, connectivity: int = 1
) -> CropConfig:
    values = {"threshold": threshold, "min_area": min_area, "max_per_code": max_per_code}
    return parse_value({**values, "connectivity": connectivity}, "crop", CropConfig)


@pytest.mark.parametrize(
    "bad", [{"threshold": 0.0}, {"threshold": 1.1}, {"min_area": 0}, {"connectivity": 3}]
)
def test_impossible_values_are_refused_by_name(bad: dict[str, float]) -> None:
    with pytest.raises(ParamError, match=f"^crop.{next(iter(bad))}: "):
        config(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new"), [((4, 4), (64, 64)), ((3, 5), (17, 23)), ((1, 1), (9, 9)), ((8, 8), (8, 8))]
)
def test_upsampling_is_torchs(old: tuple[int, int], new: tuple[int, int]) -> None:
    maps = np.random.default_rng(0).normal(size=(6, *old)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[:, None], size=new, mode="bilinear", align_corners=False
    )
    large = upsample(maps, new)
    assert large.dtype == np.float32
    np.testing.assert_allclose(large, expected[:, 0].numpy(), rtol=0, atol=2e-6)


@pytest.mark.parametrize("kernels", ["Haswell", "Sandybridge"])  # Haswell's fuse a product and a sum
def test_upsampling_gives_the_same_bits_whatever_the_processor(kernels: str) -> None:
    code = (
        "import numpy as np; from irislib.interpret.upsampling import upsample; "
        "maps = np.random.default_rng(0).normal(size=(50, 8, 5)).astype(np.float32); "
        "print(upsample(maps, (64, 63)).tobytes().hex())"
    )
    env = os.environ | {"OPENBLAS_CORETYPE": kernels}  # those of numpy's matrix products
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    maps = np.random.default_rng(0).normal(size=(50, 8, 5)).astype(np.float32)
    assert done.stdout.strip() == upsample(maps, (64, 63)).tobytes().hex()


def drawn(*boxes: tuple[int, int, int, int], value: float = 1.0) -> np.ndarray:
    image = np.zeros(FRAME, np.float32)
    for y0, x0, y1, x1 in boxes:
        image[y0:y1, x0:x1] = value
    return image


def boxes_of(maps: np.ndarray, config: CropConfig) -> list[tuple[int, ...]]:
    """(map, y0, x0, y1, x1) of each region."""
    rows, box = find_regions(maps, FRAME, config)
    return [(int(row), *map(int, b)) for row, b in zip(rows, box, strict=True)]


def test_boxes_of_drawn_maps() -> None:
    two = drawn((2, 3, 5, 9), (10, 1, 12, 3))
    faint = drawn((0, 0, 16, 16), value=0.5) + drawn((4, 4, 6, 6), value=0.5)
    full = drawn((0, 0, 16, 16))
    maps = np.stack([two, np.zeros(FRAME, np.float32), full, full, faint])
    # Neighbouring maps of the stack do not touch, an empty map has no region, the threshold is inclusive.
    both = [(0, 2, 3, 5, 9), (0, 10, 1, 12, 3), (2, 0, 0, 16, 16), (3, 0, 0, 16, 16)]
    assert boxes_of(maps, config()) == [*both, (4, 0, 0, 16, 16)]
    assert boxes_of(maps, config(threshold=0.51)) == [*both, (4, 4, 4, 6, 6)]
    assert boxes_of(maps, config(threshold=1.0, min_area=5)) == [both[0], *both[2:]]
    assert boxes_of(maps, config(min_area=4)) == [*both, (4, 0, 0, 16, 16)]
    assert boxes_of(1e-30 * maps, config()) == boxes_of(maps, config())


def test_corners_connect_only_where_asked() -> None:
    diagonal = drawn((0, 0, 4, 4), (4, 4, 8, 8))[None]
    assert boxes_of(diagonal, config(connectivity=1)) == [(0, 0, 0, 4, 4), (0, 4, 4, 8, 8)]
    assert boxes_of(diagonal, config(connectivity=2)) == [(0, 0, 0, 8, 8)]


@pytest.mark.parametrize("connectivity", [1, 2])
def test_regions_match_one_map_at_a_time(connectivity: int) -> None:
    maps = np.random.default_rng(1).normal(size=(50, 5, 5)).clip(0).astype(np.float32)
    expected = []
    for row, large in enumerate(upsample(maps, FRAME)):
        structure = ndimage.generate_binary_structure(2, connectivity)
        labels, _ = ndimage.label(large >= 0.7 * large.max(), structure)
        for y, x in ndimage.find_objects(labels):
            if (y.stop - y.start) * (x.stop - x.start) >= 6:
                expected.append((row, y.start, x.start, y.stop, x.stop))
    assert boxes_of(maps, config(0.7, 6, connectivity=connectivity)) == expected


@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("min_area", [1, 9, 60, 256])
def test_levels_tell_at_every_threshold_whether_there_is_a_region(min_area: int, connectivity: int) -> None:
    maps = np.random.default_rng(2).normal(size=(40, 4, 4)).clip(0).astype(np.float32)
    maps[0] = 0
    maps[1] = 1
    level, peak = region_levels(maps, FRAME, min_area, connectivity)
    found = []
    for threshold in (0.01, 0.3, 0.5, 0.77, 0.95, 1.0):
        rows, _ = find_regions(maps, FRAME, config(threshold, min_area, connectivity=connectivity))
        expected = np.isin(np.arange(len(maps)), rows)
        np.testing.assert_array_equal((level > 0) & (level >= threshold * peak), expected)
        found.append(expected.sum())
    assert found[0] > (0 if min_area == 256 else 30)
    assert level[0] == 0 < level[1]
    # The region at the level itself, and none a little above.
    some = np.flatnonzero(level > 0)
    large = upsample(maps[some], FRAME)
    for height, share in ((level[some], 1), (np.nextafter(level[some], np.inf), 0)):
        rows, _ = find_boxes(large >= height[:, None, None], min_area, connectivity)
        assert np.isin(np.arange(len(some)), rows).mean() == share


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store]:
    """Play of 40 steps with 6 codes; 30 maps, some empty, each used by several pairs.

    Of four episodes the last two have a night, and the last alone hides the world, at its end.
    """
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("stores")
    step = np.arange(40)
    play = record_play(
        folder / "rollouts.zarr",
        np.zeros((40, *FRAME, 3), np.uint8),
        np.zeros((40, 4, 4)),
        6,
        episode=(step // 10).astype(np.int32),
        daylight=np.where((step % 10 > 6) & (step >= 20), 0.1, 0.9).astype(np.float32),
        hidden=step >= 38,
    )
    maps = rng.normal(size=(30, 4, 4)).clip(0) * (rng.random(30) > 0.3)[:, None, None]
    map_code = np.sort(rng.integers(0, 5, 30))  # code 5 has none
    pairs = np.array(
        [(t, m) for t in range(40) for c in range(5) for m in [rng.choice(np.flatnonzero(map_code == c))]]
    )
    return play, record_maps(folder / "changes.zarr", maps, map_code, pairs, play, schema=CHANGES)


def run(stores: tuple[Store, Store], out: Path, config: CropConfig, seed: int = 0) -> Store:
    crop_regions(config, seed, rollouts=stores[0].path, changes=stores[1].path, out=out)
    return open_store(out, CROPS)


def candidates(changes: Store, crops: Store, steps: int = 38) -> list[tuple[int, int, tuple[int, ...]]]:
    """(code, step, box) of every region of every pair that shows the world, by code, step, region."""
    code, region_map = changes.read("map_code"), crops.read("region_map")
    return [
        (int(code[m]), int(t), tuple(map(int, crops.read("region_box")[r])))
        for k in range(6)
        for t, m in zip(changes.read("occurrence_step"), changes.read("occurrence_map"), strict=True)
        if code[m] == k and t < steps
        for r in np.flatnonzero(region_map == m)
    ]


def crops_of(crops: Store, kind: int = OWN) -> list[tuple[int, int, tuple[int, ...]]]:
    """(code, step, box) of the crops of one kind."""
    rows = crops.read("crop_kind") == kind
    code, step, box = (crops.read(f"crop_{name}")[rows] for name in ("code", "step", "box"))
    return [(int(k), int(t), tuple(map(int, b))) for k, t, b in zip(code, step, box, strict=True)]


def test_without_a_limit_every_region_of_every_pair_is_a_crop_where_the_world_is_shown(
    stores: tuple[Store, Store], tmp_path: Path
) -> None:
    crops = run(stores, tmp_path / "crops", config(max_per_code=10**6))
    expected = candidates(stores[1], crops)
    assert len(expected) > len(stores[1].read("occurrence_step")) / 2
    assert crops_of(crops) == expected


def test_hidden_observations_are_cropped_for_codes_that_have_no_other() -> None:
    step, code = np.array([0, 1, 2, 2, 3, 3]), np.array([0, 0, 0, 1, 0, 1])
    maps = Maps(
        codes=2,
        episode=np.zeros(4, np.int32),
        code=np.arange(2, dtype=np.int32),
        nonempty=np.ones(2, bool),
        nonzero=np.ones(2, bool),
        occurrence_step=step.astype(np.int32),
        occurrence_map=code.astype(np.int32),
    )
    found, cropped, _ = draw_crops(maps, np.arange(2), np.array([False, False, True, True]), 9, seed=0)
    assert list(zip(found, cropped, strict=True)) == [(0, 0), (0, 1), (1, 2), (1, 3)]


def test_at_most_so_many_crops_a_code_in_order_and_among_the_candidates(
    stores: tuple[Store, Store], tmp_path: Path
) -> None:
    crops = run(stores, tmp_path / "crops", config(max_per_code=7))
    found, possible = crops_of(crops), candidates(stores[1], crops)
    position = 0
    for crop in found:  # a subsequence
        position = possible.index(crop, position) + 1
    per_code = np.bincount([code for code, _, _ in found], minlength=6)
    np.testing.assert_array_equal(per_code, np.minimum(np.bincount([c[0] for c in possible], minlength=6), 7))


def test_codes_seen_together_are_cropped_together(tmp_path: Path) -> None:
    play = record_play(
        tmp_path / "rollouts.zarr", np.zeros((50, *FRAME, 3), np.uint8), np.zeros((50, 4, 4)), 2
    )
    maps = np.ones((2, 4, 4))
    pairs = np.array([(t, code) for t in range(50) for code in (0, 1)])
    stores = play, record_maps(tmp_path / "changes.zarr", maps, np.arange(2), pairs, play, schema=CHANGES)
    drawn = crops_of(run(stores, tmp_path / "crops", config(max_per_code=5)))
    steps = [{t for code, t, _ in drawn if code == k} for k in (0, 1)]
    assert steps[0] == steps[1]
    assert len(steps[0]) == 5


def test_a_codes_crops_spread_evenly_over_its_episodes() -> None:
    """As many of each episode as of any other, as long as it has some left."""
    rng = np.random.default_rng(0)
    steps, codes = 60, 4
    step, code = np.nonzero(rng.random((steps, codes)) < 0.4)
    maps = Maps(
        codes=codes,
        episode=np.sort(rng.integers(0, 6, steps)),
        code=np.arange(codes, dtype=np.int32),
        nonempty=np.ones(codes, bool),
        nonzero=np.ones(codes, bool),
        occurrence_step=step.astype(np.int32),
        occurrence_map=code.astype(np.int32),
    )
    code, step, _ = draw_crops(maps, np.arange(codes), np.zeros(steps, bool), 9, seed=0)
    for k in range(codes):
        has = np.bincount(maps.episode[maps.occurrence_step[maps.occurrence_code == k]], minlength=6)
        taken = np.bincount(maps.episode[step[code == k]], minlength=6)
        left = taken < has
        assert taken.sum() == 9
        assert not left.any() or taken.max() - taken[left].min() <= 1


@pytest.fixture(scope="module")
def crops(stores: tuple[Store, Store], tmp_path_factory: pytest.TempPathFactory) -> Store:
    return run(stores, tmp_path_factory.mktemp("crops") / "crops.zarr", config(max_per_code=20))


@pytest.mark.parametrize("kind", [RANDOM, ELSEWHEN])
def test_counterparts_follow_the_crops_and_name_them(crops: Store, kind: int) -> None:
    kinds, match = crops.read("crop_kind"), crops.read("crop_match")
    own, mine = np.flatnonzero(kinds == OWN), np.flatnonzero(kinds == kind)
    np.testing.assert_array_equal(match[own], own)
    np.testing.assert_array_equal(match[mine], np.unique(match[mine]))
    assert np.isin(match[mine], own).all()
    assert len(mine) == len(own)  # every stratum but that of hidden observations is in two episodes
    np.testing.assert_array_equal(crops.read("crop_code")[mine], crops.read("crop_code")[match[mine]])
    assert list(crops.attrs["kinds"]) == ["own", "random", "elsewhen"]


def test_a_random_counterpart_is_the_box_moved_by_whole_patches_in_the_frame(crops: Store) -> None:
    kinds, match = crops.read("crop_kind"), crops.read("crop_match")
    mine = np.flatnonzero(kinds == RANDOM)
    np.testing.assert_array_equal(crops.read("crop_step")[mine], crops.read("crop_step")[match[mine]])
    box = crops.read("crop_box").astype(int)
    move = box[mine] - box[match[mine]]
    np.testing.assert_array_equal(move[:, :2], move[:, 2:])
    assert (move % 4 == 0).all()
    assert move.any()
    assert (box[:, :2] >= 0).all()
    assert (box[:, 2:] <= FRAME).all()


def test_an_elsewhen_counterpart_is_the_box_in_the_same_stratum_of_another_episode(
    stores: tuple[Store, Store], crops: Store
) -> None:
    kinds, match = crops.read("crop_kind"), crops.read("crop_match")
    mine = np.flatnonzero(kinds == ELSEWHEN)
    np.testing.assert_array_equal(crops.read("crop_box")[mine], crops.read("crop_box")[match[mine]])
    step = crops.read("crop_step")
    episode, night = stores[0].read("episode"), stores[0].read("daylight") < 0.5
    assert (episode[step[mine]] != episode[step[match[mine]]]).all()
    np.testing.assert_array_equal(night[step[mine]], night[step[match[mine]]])
    assert night[step[mine]].any()
    hidden = stores[0].read("hidden")
    for there, here in zip(step[mine], step[match[mine]], strict=True):
        could = np.flatnonzero((episode == episode[there]) & (night == night[there]) & ~hidden)
        assert abs(there % 10 - here % 10) == np.abs(could % 10 - here % 10).min()
    # One partner for each code, episode and stratum.
    keys = np.stack([crops.read("crop_code")[mine], episode[step[match[mine]]], night[step[mine]]])
    partners = np.concatenate([keys, episode[step[mine]][None]])
    assert np.unique(partners, axis=1).shape[1] == np.unique(keys, axis=1).shape[1]


@pytest.mark.parametrize(
    ("box", "places"),
    [((1, 0, 15, 15), [(1, 0)]), ((5, 2, 8, 6), [(y, x) for y in (1, 5, 9, 13) for x in (2, 6, 10)])],
)
def test_all_moves_inside_the_frame_are_equally_likely(
    box: tuple[int, ...], places: list[tuple[int, int]]
) -> None:
    n = 6000
    boxes = np.tile(np.array([box], np.int16), (n, 1))
    found = move_boxes(np.repeat([0, 3], n // 2), boxes, FRAME, (4, 4), seed=0)
    count = {place: int((found[:, :2] == place).all(1).sum()) for place in places}
    assert sum(count.values()) == n
    spread = 5 * np.sqrt(n / len(places))
    assert all(abs(c - n / len(places)) <= spread for c in count.values())


def test_patches_that_are_no_whole_pixels_are_moved_inside_the_frame() -> None:
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 60, (4000, 2))
    box = np.concatenate([corner, np.minimum(corner + rng.integers(1, 30, (4000, 2)), 64)], axis=1)
    found = move_boxes(np.zeros(4000, int), box.astype(np.int16), (64, 64), (9, 9), seed=0).astype(int)
    assert (found[:, :2] >= 0).all()
    assert (found[:, 2:] <= 64).all()
    np.testing.assert_array_equal(found[:, 2:] - found[:, :2], box[:, 2:] - box[:, :2])
    shift = (found - box)[:, 0]
    assert np.isin(shift, np.rint(np.arange(-9, 10) * 64 / 9)).all()


def test_partners_are_other_episodes_with_the_stratum_and_none_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    episode, stratum = np.repeat(np.arange(6), 10), np.tile([0, 0, 0, 0, 0, 0, 1, 1, 1, 1], 6)
    stratum[episode < 3] = 0
    stratum[59] = 2  # of the last episode alone
    step = np.sort(rng.integers(0, 60, 3000))
    step[-1] = 59
    partner = draw_partners(np.zeros(3000, int), step, episode, stratum, seed=0)
    alone = stratum[step] == 2
    assert (partner[alone] == -1).all()
    assert (partner[~alone] != episode[step[~alone]]).all()
    assert set(partner[stratum[step] == 1]) == {3, 4, 5}
    # By day the partner is any other episode: over many codes equally often.
    codes = np.arange(3000)
    drawn = draw_partners(codes, np.zeros(3000, int), episode, stratum, seed=0)
    count = np.bincount(drawn, minlength=6)
    assert count[0] == 0
    assert (np.abs(count[1:] - 600) < 5 * np.sqrt(600)).all()


def test_the_seed_alone_decides_the_draws(
    stores: tuple[Store, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stores, tmp_path / "a", config(max_per_code=5))
    monkeypatch.setattr(regions, "ROWS", 7)
    run(stores, tmp_path / "b", config(max_per_code=5))
    run(stores, tmp_path / "c", config(max_per_code=5), seed=1)
    a, b, c = (digest(tmp_path / name) for name in "abc")
    assert a == b != c


def test_without_a_map_above_zero_there_are_no_crops(stores: tuple[Store, Store], tmp_path: Path) -> None:
    play, _ = stores
    empty = record_maps(
        tmp_path / "maps", np.zeros((1, 4, 4)), np.zeros(1), np.zeros((1, 2)), play, schema=CHANGES
    )
    crops = run((play, empty), tmp_path / "crops", config())
    assert len(crops) == len(crops.read("crop_step")) == 0


def test_maps_of_other_rollouts_are_refused(stores: tuple[Store, Store], tmp_path: Path) -> None:
    for steps, side in ((39, 16), (40, 32)):
        other = record_play(
            tmp_path / "other", np.zeros((steps, side, side, 3), np.uint8), np.zeros((steps, 4, 4)), 6
        )
        with pytest.raises(ArtifactError, match=r"does not belong to .*run the change stage again"):
            run((other, stores[1]), tmp_path / "crops", config())
        assert not (tmp_path / "crops").exists()
