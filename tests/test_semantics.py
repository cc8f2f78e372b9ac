import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from irislib.interpret.agreement import agreement, semantic_metrics
from irislib.interpret.semantics import HUD, Labels, cell_weights, heaviest_label, label_by_code, labels_table

FRAME, VIEW, CELL = (64, 64), (7, 9), 7


def mass_of(values: np.ndarray) -> np.ndarray:
    """A map's mass by cell, as shares."""
    mass: np.ndarray = values.ravel() @ cell_weights(values.shape, FRAME, VIEW, CELL)
    mass /= mass.sum()
    return mass


def test_uniform_map_weighs_every_cell_alike_and_the_hud_as_two_rows_of_cells() -> None:
    mass = mass_of(np.ones((4, 4)))
    np.testing.assert_allclose(mass[:-1], 1 / 81)
    assert mass[-1] == pytest.approx(18 / 81)


def test_weights_keep_all_mass_but_the_margins() -> None:
    weights = cell_weights((4, 4), FRAME, VIEW, CELL)
    assert weights.shape == (16, 7 * 9 + 1)
    # Every pixel is shared out among the values around it; one row and one column of 64 are margin.
    total = weights.sum(axis=1).reshape(4, 4)
    np.testing.assert_allclose(total.sum(), 63 * 63)
    np.testing.assert_allclose(total[:3, :3].sum(), 48 * 48)


def test_full_resolution_map_needs_no_interpolation() -> None:
    values = np.zeros(FRAME)
    values[7 * 2 : 7 * 3, 7 * 5 : 7 * 6] = 3  # cell (2, 5)
    values[50, 10] = 49  # HUD
    values[3, 63] = 1000  # margin
    mass = mass_of(values)
    assert mass[2 * 9 + 5] == pytest.approx(0.75)
    assert mass[-1] == pytest.approx(0.25)


def test_heaviest_label_adds_cells_up_and_the_hud_is_a_label() -> None:
    semantic = np.array([[0, 1, 1, 2]] * 3)
    mass = np.array([[0.4, 0.25, 0.25, 0.1, 0], [0.4, 0.1, 0.1, 0.4, 0], [0.3, 0.1, 0.1, 0, 0.5]])
    assert heaviest_label(mass, semantic, labels=4).tolist() == [1, 0, 3]


def test_tables_by_hand() -> None:
    labels = Labels(("grass", "cow", HUD), np.array([[6, 2, 0], [0, 0, 0], [0, 1, 1]]))
    table = labels_table(labels).set_index(["code", "label"])
    assert table["count"].to_dict() == {(0, "grass"): 6, (0, "cow"): 2, (2, "cow"): 1, (2, HUD): 1}
    assert table.loc[(2, HUD), "lift"] == pytest.approx(0.5 / 0.1)
    codes = label_by_code(labels)
    assert codes.loc[0].tolist() == ["grass", 0.75, pytest.approx(0.75 / 0.6), 0]
    assert codes.loc[1].isna().all()
    assert codes.loc[2, ["label", "hud_share"]].tolist() == ["cow", 0.5]


def test_agreement_is_that_of_the_single_pairs() -> None:
    rng = np.random.default_rng(0)
    code = rng.integers(0, 5, 300)
    label = (code + (rng.random(300) < 0.4) * rng.integers(0, 3, 300)) % 4
    counts = np.zeros((7, 4), np.int64)
    np.add.at(counts, (code, label), 1)
    nmi, purity = agreement(counts)
    assert nmi == pytest.approx(normalized_mutual_info_score(code, label))
    assert purity == pytest.approx(sum(np.bincount(label[code == k]).max() for k in range(5)) / 300)
    assert agreement(np.diag([3, 4, 5])) == pytest.approx((1, 1))


def test_null_is_that_of_permuted_labels() -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 30, (6, 5))
    found = semantic_metrics(counts, seed=0)
    code, label = (axis.repeat(counts.ravel()) for axis in np.indices(counts.shape).reshape(2, -1))
    shuffled = [normalized_mutual_info_score(code, rng.permutation(label)) for _ in range(100)]
    assert found["nmi_null"] == pytest.approx(np.mean(shuffled), rel=0.25)
    assert found["purity_null"] < found["purity"]
    assert found == semantic_metrics(counts, seed=0)


@pytest.mark.parametrize(("counts", "defined"), [(np.zeros((3, 2), int), False), (np.array([[5, 0]]), True)])
def test_undefined_agreement(counts: np.ndarray, defined: bool) -> None:
    found = semantic_metrics(counts, seed=0)
    assert np.isnan([found["nmi"], found["nmi_null"]]).all()
    assert np.isfinite([found["purity"], found["purity_null"]]).all() == defined
