"""What the simulator says of the codes: labels under maps, agreement, tables."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import homogeneity_completeness_v_measure, normalized_mutual_info_score

from irislib.artifacts import open_store, writing
from irislib.interpret.boxes import Boxes
from irislib.interpret.confirmation.excess import Sums
from irislib.interpret.confirmation.halves import Confirmed
from irislib.interpret.crops.attribution_kinds import Attribution
from irislib.interpret.crops.regions import threshold_masks
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.agreement import agreement, semantic_metrics
from irislib.interpret.labels.label_mass import LabelMass, add_runs, label_occurrences
from irislib.interpret.labels.names import Names
from irislib.interpret.labels.naming import label_by_code, labels_table, lifts
from irislib.interpret.labels.overlap import Overlap, overlap_labels
from irislib.interpret.labels.truth import DISPLAY, Truth
from irislib.interpret.observations.exchange import ROUNDS
from irislib.interpret.observations.visible import Visible
from irislib.stores.heatmaps import HEATMAPS

# Two rectangles of the world above two of a display.
SMALL = Boxes((4, 4), np.array([(0, 0, 2, 2), (0, 2, 2, 4), (2, 0, 4, 2), (2, 2, 4, 4)], np.int16), 2)
NAMES = ("grass", "cow", DISPLAY)
CODES = 4


def make_truth(label: np.ndarray) -> Truth:
    """Of the small frame: label int [T,2]."""
    quantity = np.ones((len(label), 2), np.uint8)
    return Truth(SMALL, NAMES, label.astype(np.uint8), ("health", "wood"), quantity)


def test_sums_by_label_add_rectangles_up_and_the_display_is_a_label() -> None:
    truth = make_truth(np.array([[0, 1], [1, 1]]))
    values = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.25, 0.25, 0]])
    for steps, expected in (
        ([0, 1], [[0.1, 0.2, 0.7], [0.0, 0.75, 0.25]]),
        ([1, 0], [[0.0, 0.3, 0.7], [0.5, 0.25, 0.25]]),
    ):
        np.testing.assert_allclose(truth.by_label(values, np.array(steps)), np.array(expected))


def test_runs_are_added_to_their_rows() -> None:
    total = np.ones((4, 2))
    add_runs(total, np.array([0, 0, 2, 3, 3]), np.arange(10).reshape(5, 2))
    assert total.tolist() == [[3, 5], [1, 1], [5, 6], [15, 17]]


def random_play(seed: int) -> tuple[Truth, Visible, Maps, np.ndarray]:
    """Five short episodes in all strata, one of them without a night; half of the maps are empty.

    Returns the share of each map on each rectangle as well. Some occurrences share a map.
    """
    rng = np.random.default_rng(seed)
    episode = np.repeat(np.array([2, 3, 5, 6, 9], np.int32), [7, 4, 9, 6, 8])
    stratum = rng.choice([0, 0, 1, 2], len(episode)).astype(np.uint8)
    stratum[(episode == 6) & (stratum == 1)] = 0
    visible = Visible.of(episode, stratum, seed)
    step, code = np.nonzero(rng.random((len(episode), CODES)) < 0.7)
    of_map = rng.integers(0, CODES, 40)
    nonempty = rng.random(40) < 0.5
    shared = np.array([rng.choice(np.flatnonzero(of_map == one)) for one in code], np.int32)
    maps = Maps(CODES, episode, of_map.astype(np.int32), nonempty, nonempty, step.astype(np.int32), shared)
    mass = (rng.dirichlet(np.ones(4), 40) * nonempty[:, None]).astype(np.float32)
    return make_truth(rng.integers(0, 2, (len(episode), 2))), visible, maps, mass


def under(truth: Truth, mass: np.ndarray, observation: int) -> np.ndarray:
    """A map's mass on each label, one rectangle after the other."""
    total = np.zeros(len(NAMES))
    for box, share in enumerate(mass):
        total[truth.label[observation, box] if box < SMALL.world else -1] += share
    return total


@pytest.mark.parametrize("seed", range(3))
def test_labels_under_maps_equal_a_loop(seed: int) -> None:
    truth, visible, maps, mass = random_play(seed)
    none = (np.zeros(0, np.int64), np.zeros((0, 4), np.int16))
    found = label_occurrences(truth, Attribution("position", maps, mass, *none), visible)
    stretches: dict[tuple[int, int], list[tuple[int, int]]] = {}
    counts = np.zeros((visible.episodes, CODES, len(NAMES)), int)
    label = np.full(len(maps.occurrence_map), -1)
    for i, (step, of_map) in enumerate(zip(maps.occurrence_step, maps.occurrence_map, strict=True)):
        if visible.stratum[step] == 2 or not maps.nonempty[of_map]:
            continue
        code, episode = int(maps.code[of_map]), int(visible.episode[step])
        label[i] = under(truth, mass[of_map], step).argmax()
        counts[episode, code, label[i]] += 1
        stretches.setdefault((code, episode), []).append((int(step), int(of_map)))
    assert 0 < (label >= 0).sum() < maps.occurrence_nonempty.sum()  # some are hidden
    np.testing.assert_array_equal(found.occurrence_label, label)
    np.testing.assert_array_equal(found.counts, counts)
    assert list(zip(found.stretch_code, found.stretch_episode, strict=True)) == sorted(stretches)

    elsewhen, lacking = np.zeros((ROUNDS, CODES, len(NAMES)), int), 0
    for row, (code, episode) in enumerate(sorted(stretches)):
        mine = stretches[code, episode]
        assert found.size[row] == len(mine)
        observed = sum(under(truth, mass[of_map], step) for step, of_map in mine)
        np.testing.assert_allclose(found.mass[row], observed, rtol=1e-5)
        for round_ in range(ROUNDS):
            other = visible.exchanged(np.array([step for step, _ in mine]), round_)
            drawn = [
                under(truth, mass[of_map], step)
                for step, (_, of_map) in zip(other, mine, strict=True)
                if step >= 0
            ]
            lacking += len(drawn) < len(mine)
            for one in drawn:
                elsewhen[round_, code, one.argmax()] += 1
            expected = (
                np.sum(drawn, axis=0) * len(mine) / len(drawn) if drawn else np.full(len(NAMES), np.nan)
            )
            np.testing.assert_allclose(found.exchanged[round_, row], expected, rtol=1e-5)
    assert lacking
    np.testing.assert_array_equal(found.elsewhen, elsewhen)

    by_code = found.by_code(found.mass)
    for code in range(CODES):
        rows = found.stretch_code == code
        np.testing.assert_allclose(by_code[code], found.mass[rows].sum(axis=0, dtype=np.float64))
        sums = found.sums(np.full(len(NAMES), code), np.arange(len(NAMES)))
        part = np.isin(np.arange(visible.episodes), found.stretch_episode[rows])
        np.testing.assert_array_equal(sums.observed[part], found.mass[rows])
        np.testing.assert_array_equal(sums.exchanged[:, part], found.exchanged[:, rows])
        assert np.isnan(sums.observed[~part]).all() and np.isnan(sums.exchanged[:, ~part]).all()


def test_overlap_equals_a_count_of_pixels(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    truth, visible, maps, _ = random_play(3)
    heatmaps = rng.random((len(maps.code), 2, 2)).astype(np.float32) * maps.nonempty[:, None, None]
    with writing(
        tmp_path / "heatmaps.zarr", HEATMAPS, {"codebook_size": CODES, "steps": maps.steps}
    ) as store:
        store.append(
            heatmap=heatmaps,
            map_raw_max=heatmaps.max(axis=(1, 2)),
            map_raw_min=heatmaps.min(axis=(1, 2)),
            map_code=maps.code,
            map_positions=np.ones((len(maps.code), 2, 2), bool),
            occurrence_step=maps.occurrence_step,
            occurrence_map=maps.occurrence_map,
        )
    found = overlap_labels(truth, open_store(tmp_path / "heatmaps.zarr", HEATMAPS), maps, visible, 0.6)
    masks = threshold_masks(heatmaps, SMALL.frame, 0.6)
    place = np.zeros((maps.steps, 4, 4), int)
    place[:, 2:] = 2
    place[:, :2] = truth.label.repeat(2, axis=1)[:, None]
    other = visible.exchanged(np.arange(maps.steps), 0)
    assert (other == -1).any()
    other = np.where(other < 0, np.arange(maps.steps), other)
    for code in range(CODES):
        rows = maps.occurrence_nonempty & (maps.occurrence_code == code)
        rows &= visible.observation[maps.occurrence_step]
        mask, step = masks[maps.occurrence_map[rows]], maps.occurrence_step[rows]
        for label in range(len(NAMES)):
            for iou, at in ((found.iou, step), (found.elsewhen, other[step])):
                there = place[at] == label
                assert iou[code, label] == pytest.approx((mask & there).sum() / (mask | there).sum())


def test_tables_by_hand() -> None:
    counts = np.array([[[4, 2, 0], [0, 0, 0], [0, 1, 0]], [[2, 0, 0], [0, 0, 0], [0, 0, 1]]])
    mass = np.array([[3, 1.5, 1.5], [1, 1, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    none = np.zeros(0, np.int8)
    exchanged = np.broadcast_to(mass / 2, (ROUNDS, *mass.shape)).astype(np.float32)
    labels = LabelMass(
        *(NAMES, 3, 2, none, counts, np.zeros((ROUNDS, 3, 3), int)),
        *(np.array([0, 0, 2, 2]), np.array([0, 1, 0, 1]), np.array([6, 2, 1, 1]), mass, exchanged),
    )
    code, label, share = np.array([0, 0, 2]), np.array([0, 1, 1]), np.array([0.2, 0.9, 0.0])
    sums: Sums = labels.sums(code, label)
    rows = np.zeros((1, 3))
    tested = np.array([True, True, False])
    found = Confirmed(tested, share, rows > 0, rows, np.zeros(1, int))
    names = Names(code, label, sums, found, 0.0)
    iou = np.array([[0.3, 0.4, 0.1], [np.nan] * 3, [0, 0.2, 0.1]])
    overlap = Overlap(iou, iou / 2)
    table = labels_table(labels, overlap, names).set_index(["code", "label"])
    # The display is no name, so nobody tests it.
    assert table["count"].to_dict() == {(0, "grass"): 6, (0, "cow"): 2, (2, "cow"): 1, (2, DISPLAY): 1}
    assert table.loc[(2, DISPLAY), "lift"] == pytest.approx(0.5 / 0.1)
    assert table.loc[(0, "cow"), ["mass_share", "place_share", "iou", "confirmed"]].tolist() == [
        *(2.5 / 8, 1.25 / 8, 0.4, 0.9),
    ]
    assert table["confirmed"].isna().tolist() == [False, False, True, True]

    columns = names.columns(labels)
    assert columns.loc[0].tolist() == ["cow", 2.5 / 8, 1.25 / 8, 0.9]
    assert columns.loc[1:].isna().all(axis=None)
    assert names.by_label(labels) == {"grass": 0, "cow": 1}

    codes = label_by_code(labels, overlap)
    row = codes.loc[0]
    assert row[["label", "label_share", "display_share", "kind"]].tolist() == ["grass", 0.75, 0, "world"]
    assert row[["iou_label", "iou", "iou_elsewhen"]].tolist() == ["cow", 0.4, 0.2]
    assert row["label_lift"] == pytest.approx(0.75 / 0.6)
    assert codes.loc[1].isna().all()
    assert codes.loc[2, ["label", "display_share", "kind"]].tolist() == ["cow", 0.5, "world"]
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
    counts, other = rng.poisson(2 + 3 * np.eye(6, 5), (5, 6, 5)), rng.integers(0, 30, (3, 6, 5))
    found = semantic_metrics(counts, other, seed=0)
    total = counts.sum(axis=0)
    code, label = (axis.repeat(total.ravel()) for axis in np.indices(total.shape).reshape(2, -1))
    shuffled = [normalized_mutual_info_score(code, rng.permutation(label)) for _ in range(100)]
    assert found["nmi_null"] == pytest.approx(np.mean(shuffled), rel=0.25)
    assert found["purity_null"] < found["purity"]
    assert (found["nmi"], found["purity"]) == (agreement(total)[0], agreement(total)[3])
    assert found["nmi_place"] == pytest.approx(np.mean([agreement(one)[0] for one in other]))
    assert found == semantic_metrics(counts, other, seed=0)


@pytest.mark.parametrize("seed", range(3))
def test_intervals_contain_their_values_and_widen_where_episodes_differ(seed: int) -> None:
    """Codes tell their labels in every episode alike, or in half of the episodes fully and never else."""
    rng = np.random.default_rng(seed)
    told = np.stack([np.full(24, 0.5), rng.permutation(np.arange(24) % 2)])
    counts = rng.poisson(60 * told[..., None, None] * np.eye(6) + 10)
    alike, apart = (semantic_metrics(one, one, seed=0) for one in counts)
    for measure in ("nmi", "purity"):
        for found in (alike, apart):
            assert found[f"{measure}_low"] < found[measure] < found[f"{measure}_high"]
        wide, narrow = (found[f"{measure}_high"] - found[f"{measure}_low"] for found in (apart, alike))
        assert wide > 2 * narrow


@pytest.mark.parametrize("told", [0, 3], ids=["nothing is told", "something is told"])
def test_intervals_cover_what_other_episodes_would_give(told: int) -> None:
    """With few counts a code, where a percentile bootstrap lies beside the value. Episodes differ in size."""
    rng = np.random.default_rng(3)
    runs = []
    for _ in range(150):
        size = rng.gamma(4, 0.03, (12, 1, 1))
        counts = rng.poisson(size * (1 + told * np.eye(30, 5)))
        runs.append(semantic_metrics(counts, counts[:1], seed=0))
    for measure in ("nmi", "purity"):
        value, low, high = (np.array([run[measure + end] for run in runs]) for end in ("", "_low", "_high"))
        assert (low < value).all() and (value < high).all()
        assert 0.88 < ((low < value.mean()) & (value.mean() < high)).mean() <= 1


def test_purity_is_at_least_the_share_of_the_commonest_label() -> None:
    counts = np.array([[[3, 1], [0, 2]], [[1, 0], [0, 1]]])  # the labels: four times the one, four the other
    found = semantic_metrics(counts, counts, seed=0)
    assert found["purity_base"] == 4 / 8
    assert found["purity"] == (4 + 3) / 8
    skewed = np.array([[[6, 1], [2, 1]]])
    found = semantic_metrics(skewed, skewed, seed=0)
    assert found["purity_base"] == found["purity"] == 8 / 10


@pytest.mark.parametrize(("counts", "defined"), [(np.zeros((3, 2), int), False), (np.array([[5, 0]]), True)])
def test_undefined_agreement(counts: np.ndarray, defined: bool) -> None:
    found = semantic_metrics(counts[None], counts[None], seed=0)
    assert np.isnan([found["nmi"], found["nmi_null"], found["homogeneity"], found["completeness"]]).all()
    purities = [found["purity"], found["purity_null"], found["purity_base"]]
    assert np.isfinite(purities).all() == defined
