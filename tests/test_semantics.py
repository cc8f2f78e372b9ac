"""What the simulator says of the codes: labels under maps and in cells, regions, places, items."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import kstest
from sklearn.metrics import homogeneity_completeness_v_measure, normalized_mutual_info_score

from irislib.interpret.boxes import Boxes
from irislib.interpret.labels.agreement import agreement, semantic_metrics
from irislib.interpret.labels.label_mass import LabelMass, add_runs
from irislib.interpret.labels.naming import label_by_code, labels_table, lifts, token_labels
from irislib.interpret.labels.overlap import Overlap
from irislib.interpret.labels.position_baseline import expect_labels, judge_labels, label_rates
from irislib.interpret.labels.quantities import covariance, explained, read_quantities
from irislib.interpret.labels.truth import DISPLAY, Truth
from irislib.interpret.upsampling import upsample
from irislib.worlds.crafter import ITEM_NAMES, CrafterConfig, cell_boxes

CRAFTER = Boxes((64, 64), cell_boxes(7), 63)
# Two rectangles of the world above two of a display.
SMALL = Boxes((4, 4), np.array([(0, 0, 2, 2), (0, 2, 2, 4), (2, 0, 4, 2), (2, 2, 4, 4)], np.int16), 2)
NAMES = ("grass", "cow", DISPLAY)


def mass_of(values: np.ndarray) -> np.ndarray:
    """A map's mass on each cell, as shares."""
    mass: np.ndarray = values.ravel() @ CRAFTER.weights(values.shape)
    mass /= mass.sum()
    return mass


def make_truth(label: np.ndarray, quantity: np.ndarray | None = None) -> Truth:
    """Of the small frame: label int [T,2], quantity int [T,2]."""
    if quantity is None:
        quantity = np.ones((len(label), 2), np.uint8)
    names, box = ("health", "wood"), np.array([0, 1], np.int16)
    return Truth(SMALL, NAMES, label.astype(np.uint8), names, quantity.astype(np.uint8), box)


def make_labels(
    counts: np.ndarray,
    stretches: list[tuple[int, int]],
    box_mass: np.ndarray,
    label_mass: np.ndarray,
    quantity_mass: np.ndarray | None = None,
) -> LabelMass:
    code, episode = np.array(stretches, int).reshape(-1, 2).T
    if quantity_mass is None:
        quantity_mass = np.zeros((len(code), 2))
    none = np.zeros(0, np.int8)
    mass = (box_mass.astype(float), label_mass.astype(float), quantity_mass)
    return LabelMass(NAMES, none, counts, counts, code, episode, *mass)


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


def test_sums_by_label_add_rectangles_up_and_the_display_is_a_label() -> None:
    truth = make_truth(np.array([[0, 1], [1, 1]]))
    values = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.25, 0.25, 0]])
    for steps, expected in (
        ([0, 1], [[0.1, 0.2, 0.7], [0.0, 0.75, 0.25]]),
        ([1, 0], [[0.0, 0.3, 0.7], [0.5, 0.25, 0.25]]),
    ):
        np.testing.assert_allclose(truth.by_label(values, np.array(steps)), np.array(expected))


def test_quantities_count_where_there_are_any() -> None:
    truth = make_truth(np.zeros((2, 2)), np.array([[3, 0], [0, 1]]))
    values = np.array([[0.1, 0.2, 0.3, 0.4]] * 2)
    np.testing.assert_allclose(truth.on_quantities(values, np.array([0, 1])), np.array([[0.3, 0], [0, 0.4]]))


def test_a_quantity_without_a_rectangle_lies_nowhere() -> None:
    truth = replace(make_truth(np.zeros((2, 2))), quantity_box=np.array([-1, 0], np.int16))
    found = truth.on_quantities(np.array([[0.1, 0.2, 0.3, 0.4]] * 2), np.array([0, 1]))
    np.testing.assert_allclose(found, np.array([[0, 0.3]] * 2))
    without = replace(truth, boxes=replace(SMALL, corners=SMALL.corners[:2]))
    none = replace(without, quantity_box=np.array([-1, -1], np.int16))
    assert (none.on_quantities(np.ones((2, 2)), np.array([0, 1])) == 0).all()
    np.testing.assert_allclose(none.by_label(np.ones((1, 2)), np.array([0])), [[2, 0, 0]])


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


def test_runs_are_added_to_their_rows() -> None:
    total = np.ones((4, 2))
    add_runs(total, np.array([0, 0, 2, 3, 3]), np.arange(10).reshape(5, 2))
    assert total.tolist() == [[3, 5], [1, 1], [5, 6], [15, 17]]


def test_tables_by_hand() -> None:
    counts = np.array([[6, 2, 0], [0, 0, 0], [0, 1, 1]])
    label_mass = np.array([[5, 1.5, 1.5], [0, 1, 1]])
    labels = make_labels(counts, [(0, 0), (2, 0)], np.zeros((2, 4)), label_mass)
    iou = np.array([[0.3, 0.4, 0.1], [np.nan] * 3, [0, 0.2, 0.1]])
    overlap = Overlap(iou, iou / 2)
    q_values = np.array([[0.5, 0.01, 0.01], [np.nan] * 3, [0.2, 0.04, 1]])
    table = labels_table(labels, overlap, label_mass / 2, (q_values / 2, q_values), 0.05)
    table = table.set_index(["code", "label"])
    assert table["count"].to_dict() == {
        **{(0, "grass"): 6, (0, "cow"): 2, (0, DISPLAY): 0},  # more of the display than its places explain
        **{(2, "cow"): 1, (2, DISPLAY): 1},
    }
    assert table.loc[(2, DISPLAY), "lift"] == pytest.approx(0.5 / 0.1)
    assert table.loc[(0, "grass"), ["mass_share", "place_share", "iou"]].tolist() == [5 / 8, 5 / 16, 0.3]
    codes = label_by_code(labels, overlap, (q_values / 2, q_values), 0.05)
    row = codes.loc[0]
    assert row[["label", "label_share", "named", "display_share", "kind"]].tolist() == [
        *("grass", 0.75, False, 0, "world"),
    ]
    assert row[["iou_label", "iou", "iou_elsewhen"]].tolist() == ["cow", 0.4, 0.2]
    assert row["label_lift"] == pytest.approx(0.75 / 0.6)
    assert codes.loc[1].drop("named").isna().all()
    assert codes.loc[2, ["label", "named", "display_share", "kind"]].tolist() == ["cow", True, 0.5, "world"]
    tokens = token_labels(NAMES, counts)
    assert tokens.loc[0].tolist() == ["grass", 0.75, pytest.approx(0.75 / 0.6)]
    assert tokens.loc[1].isna().all()
    assert lifts(np.zeros((2, 2), int)).shape == (2, 2)


def test_agreement_is_that_of_the_single_pairs() -> None:
    rng = np.random.default_rng(0)
    code = rng.integers(0, 5, 300)
    label = (code + (rng.random(300) < 0.4) * rng.integers(0, 3, 300)) % 4
    counts = np.zeros((7, 4), np.int64)
    np.add.at(counts, (code, label), 1)
    nmi, homogeneity, completeness, purity = agreement(counts)
    assert nmi == pytest.approx(normalized_mutual_info_score(code, label))
    assert (homogeneity, completeness, nmi) == pytest.approx(homogeneity_completeness_v_measure(label, code))
    assert purity == pytest.approx(sum(np.bincount(label[code == k]).max() for k in range(5)) / 300)
    assert agreement(np.diag([3, 4, 5])) == pytest.approx((1, 1, 1, 1))


def test_null_is_that_of_permuted_labels() -> None:
    rng = np.random.default_rng(1)
    counts, other = rng.integers(0, 30, (2, 6, 5))
    found = semantic_metrics(counts, other, seed=0)
    code, label = (axis.repeat(counts.ravel()) for axis in np.indices(counts.shape).reshape(2, -1))
    shuffled = [normalized_mutual_info_score(code, rng.permutation(label)) for _ in range(100)]
    assert found["nmi_null"] == pytest.approx(np.mean(shuffled), rel=0.25)
    assert found["purity_null"] < found["purity"]
    assert found["nmi_place"] == agreement(other)[0]
    assert found == semantic_metrics(counts, other, seed=0)


@pytest.mark.parametrize(("counts", "defined"), [(np.zeros((3, 2), int), False), (np.array([[5, 0]]), True)])
def test_undefined_agreement(counts: np.ndarray, defined: bool) -> None:
    found = semantic_metrics(counts, counts, seed=0)
    assert np.isnan([found["nmi"], found["nmi_null"], found["homogeneity"], found["completeness"]]).all()
    assert np.isfinite([found["purity"], found["purity_null"]]).all() == defined


def test_rates_are_those_of_the_other_episodes() -> None:
    truth = make_truth(np.array([[0, 1], [0, 0], [1, 1], [0, 1]]))
    rates = label_rates(truth, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(rates[0], np.array([[0.5, 0.5, 0], [0, 1, 0]]))
    np.testing.assert_allclose(rates[1], np.array([[1, 0, 0], [0.5, 0.5, 0]]))
    assert np.isnan(label_rates(truth, np.zeros(4, int))).all()
    labels = make_labels(
        np.zeros((3, 3), int), [(0, 1), (2, 0)], np.array([[1, 2, 3, 4], [4, 0, 0, 0]]), np.ones((2, 3))
    )
    expected = expect_labels(labels, truth, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(expected, [[1 + 1, 1, 1], [2, 2, 1]])  # the display's is its own


def play(rng: np.random.Generator, episodes: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Cows that come to either cell for spells, and never leave in some episodes."""
    semantic = np.zeros((episodes * steps, 2), int)
    for cell in (0, 1):
        spells = rng.random((episodes, steps // 5)) < rng.uniform(0.1, 0.6, (episodes, 1))
        semantic[:, cell] = spells.repeat(5, axis=1).ravel()
    return semantic, np.repeat(np.arange(episodes), steps)


def look(semantic: np.ndarray, episode: np.ndarray, lit: np.ndarray) -> LabelMass:
    """LabelMass of K codes that light up cell 0 where bool [T,K] `lit` says."""
    codes = lit.shape[1]
    key, counts = [], np.zeros((codes, 3), int)
    box_mass, label_mass = [], []
    for code in range(codes):
        for one in np.unique(episode[lit[:, code]]):
            labels = np.bincount(semantic[lit[:, code] & (episode == one), 0], minlength=3)
            key.append((code, one))
            box_mass.append([labels.sum(), 0, 0, 0])
            label_mass.append(labels)
            counts[code] += labels
    return make_labels(counts, key, np.array(box_mass, float), np.array(label_mass, float))


def test_a_code_that_shows_a_label_beyond_its_place_is_named_and_others_are_not() -> None:
    """Code 0 lights up where there is a cow; the others for spells of their own, by place alone."""
    rng = np.random.default_rng(2)
    semantic, episode = play(rng, 13, 100)
    lit = (rng.random((260, 120)) < 0.3).repeat(5, axis=0)
    lit[:, 0] = (semantic[:, 0] == 1) & (rng.random(1300) < 0.8)
    labels = look(semantic, episode, lit)
    expected = expect_labels(labels, make_truth(semantic), episode)
    p_values, q_values = judge_labels(labels, expected, 0.05, 2**13, seed=0)
    assert q_values[0, 1] < 0.05 < np.nanmin(q_values[1:])
    # 119 uniform numbers stay below this distance but once in a thousand times.
    assert kstest(p_values[1:, 1], "uniform").statistic < 0.18
    assert np.mean(p_values[1:, 1] <= 0.05) < 0.13
    assert np.isnan(p_values[:, 2]).all()  # nobody shows the display
    overlap = Overlap(np.zeros((120, 3)), np.zeros((120, 3)))
    table = label_by_code(labels, overlap, (p_values, q_values), 0.05)
    assert table["label"][0] == "cow"
    assert list(np.flatnonzero(table["named"])) == [0]


def test_labels_of_codes_in_few_episodes_are_not_tested() -> None:
    rng = np.random.default_rng(3)
    semantic, episode = play(rng, 8, 20)
    lit = np.stack([(semantic[:, 0] == 1) & (episode < n) for n in (4, 8)], axis=1)
    labels = look(semantic, episode, lit)
    expected = expect_labels(labels, make_truth(semantic), episode)
    p_values, _ = judge_labels(labels, expected, 0.05, 99, seed=0)
    assert np.isnan(p_values[0]).all()
    assert np.isfinite(p_values[1, 1])


def test_a_code_that_tells_a_number_is_found() -> None:
    """Code 0 lies on both, and is there when there are two of wood; code 1 on health, by chance."""
    rng = np.random.default_rng(4)
    episode = np.repeat(np.arange(10), 40)
    amounts = np.stack([rng.integers(1, 10, 400), rng.integers(0, 3, 400)], axis=1)
    truth = make_truth(np.zeros((400, 2)), amounts)
    lit = np.stack([amounts[:, 1] == 2, rng.random(400) < 0.4, np.zeros(400)], axis=1)
    quantity_mass = np.array([[0.8, 0.2], [0.95, 0.05], [0, 0]])
    labels = make_labels(
        np.zeros((3, 3), int), [(0, 0), (1, 0), (2, 0)], np.zeros((3, 4)), np.zeros((3, 3)), quantity_mass
    )
    present = sparse.csr_array(lit.astype(int))
    table = read_quantities(truth, episode, labels, present, np.arange(3), 0.05, 1024, seed=0)
    assert table["quantity"].tolist()[:2] == ["wood", "health"]
    assert table.loc[0, ["quantity_share", "quantity_information"]].tolist() == pytest.approx([0.2, 1])
    assert table.loc[0, "told_quantity"] == "wood"
    assert table.loc[0, "quantity_correlation"] == pytest.approx(np.corrcoef(lit[:, 0], amounts[:, 1])[0, 1])
    assert table.loc[0, "quantity_q_value"] < 0.01
    assert table.loc[1, "quantity_q_value"] > 0.05
    assert table.loc[1, "quantity_information"] < 0.1
    assert table.loc[2, ["quantity", "quantity_p_value", "told_information"]].isna().all()
    none = read_quantities(truth, episode, labels, present, np.arange(0), 0.05, 99, seed=0)
    assert list(none.columns) == list(table.columns)


def test_information_and_covariance_by_hand() -> None:
    amount = np.array([0, 0, 1, 1, 2, 2], np.uint8)
    assert explained(amount, np.array([0, 1])) == pytest.approx(1)
    assert explained(amount, np.array([0, 2, 4])) == pytest.approx(0, abs=1e-12)
    assert np.isnan(explained(amount, np.arange(6)))
    parts = covariance(amount, np.array([4, 5]), np.array([7, 7, 3, 3, 3, 7]))
    # About the means 1/3 and 1: episode 3 holds (0, 1), (0, 1), (1, 2); episode 7 (0, 0) twice and (1, 2).
    np.testing.assert_allclose(parts, [2 / 3, 2 / 3 + 2 / 3])
