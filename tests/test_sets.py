"""Sets of three or more codes: planted ones are found; those that follow from their parts are not."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from test_cooccurrence import EPISODES, make_config, make_maps, make_play, spells

from irislib.interpret.confirmation.halves import divide
from irislib.interpret.cooccurrence.sets import COLUMNS, ScoredSets, mine_sets, score_sets, splits
from irislib.interpret.observations.visible import Visible

TOGETHER = ((0, 1, 2), (3, 4, 5), (6, 7, 8))
PAIR = (9, 10)  # code 11 is often there, by chance
TREND = (12, 13, 14)


def find(
    shown: np.ndarray, visible: Visible, consistent: np.ndarray | None = None, least: int = 5
) -> ScoredSets:
    label = np.array([f"label{code}" for code in range(shown.shape[1])], object)
    consistent = np.ones(shown.shape[1], bool) if consistent is None else consistent
    maps, halves = make_maps(shown, shown, visible.episode), divide(visible.episodes, 0)
    return score_sets(maps, visible, label, consistent, halves, make_config(least))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("min_count", [1, 4, 9])
def test_mined_sets_equal_brute_force(seed: int, min_count: int) -> None:
    rng = np.random.default_rng(seed)
    shown = rng.random((50, 9)) < rng.uniform(0.1, 0.7, 9)
    present = sparse.csr_array(shown.astype(np.int64))
    codes = np.array([0, 2, 3, 5, 6, 8])
    expected = [
        some
        for size in range(1, 5)
        for some in itertools.combinations(codes.tolist(), size)
        if shown[:, some].all(axis=1).sum() >= min_count
    ]
    assert mine_sets(present, codes, min_count, 4) == expected
    assert mine_sets(present, codes[:0], min_count, 4) == []


@pytest.mark.parametrize(("size", "ways"), [(2, 1), (3, 3), (4, 7), (5, 15)])
def test_every_way_to_part_a_set_comes_once(size: int, ways: int) -> None:
    halves = {frozenset(map(frozenset, pair)) for pair in splits(size)}
    assert len(halves) == len(splits(size)) == ways
    assert all(set(a) | set(b) == set(range(size)) and a and b for a, b in splits(size))


@pytest.mark.parametrize("seed", range(2))
def test_the_table_lists_every_frequent_set_of_consistent_codes(seed: int) -> None:
    least = 16
    rng = np.random.default_rng(seed)
    episode = np.repeat(np.array([1, 2, 4, 6]), [30, 20, 25, 35])
    visible = Visible.of(episode, rng.choice([0, 1, 2], 110).astype(np.uint8), 0)
    shown = rng.random((110, 6)) < 0.6
    consistent = np.array([True] * 5 + [False])
    table = find(shown, visible, consistent, least=least).table
    expected = {}
    for size in (3, 4):
        for codes in itertools.combinations(range(5), size):
            there = shown[:, codes].all(axis=1) & visible.observation
            if there.sum() >= least:
                labels = " ".join(f"label{code}" for code in codes)
                seen = (size, there.sum(), len(set(episode[there])), labels)
                expected[" ".join(map(str, codes))] = seen
    rows = table.set_index("codes")[["size", "count", "episodes", "labels"]]
    assert {codes: tuple(row) for codes, row in rows.iterrows()} == expected
    assert 3 < len(expected) < 15
    np.testing.assert_allclose(table["share"], table["count"] / visible.observation.sum())
    assert (np.diff(table["count"]) <= 0).all()
    assert table["confirmed"].isna().all()  # four episodes are too few


def plant(seed: int) -> tuple[Visible, np.ndarray]:
    """Bool [T,15]: three sets that often come together, a pair with a third code by chance, and three codes
    that become more frequent with time.
    """
    rng, visible = np.random.default_rng(seed), make_play(seed)
    shown = spells(rng, 0.1, 15)
    for codes in (*TOGETHER, PAIR):
        event = spells(rng, 0.15, 1)
        shown[:, codes] |= event & (rng.random((len(shown), len(codes))) < 0.9)
    shown[:, 11] = spells(rng, 0.5, 1)[:, 0]
    shown[:, TREND] = spells(rng, (visible.step / len(shown) * EPISODES)[:, None], len(TREND))
    return visible, shown


@pytest.fixture(scope="module")
def planted() -> tuple[Visible, np.ndarray, ScoredSets]:
    visible, shown = plant(0)
    return visible, shown, find(shown, visible, least=40)


def test_planted_sets_are_found_and_those_that_follow_from_their_parts_are_not(
    planted: tuple[Visible, np.ndarray, ScoredSets],
) -> None:
    visible, shown, found = planted
    table = found.table.set_index("codes")
    for codes in (*TOGETHER, (*PAIR, 11), TREND):
        row = table.loc[" ".join(map(str, codes))]
        there = shown[:, codes].all(axis=1) & visible.observation
        assert row["count"] == there.sum() > 100
        assert bool(row["meaningful"]) == (codes in TOGETHER)
    names = {" ".join(map(str, codes)) for codes in TOGETHER}
    assert len(set(table.index[table["meaningful"]]) - names) <= 1
    assert len(table) > 50


def test_coverage_equals_a_loop(planted: tuple[Visible, np.ndarray, ScoredSets]) -> None:
    visible, shown, found = planted
    meaningful = found.table["codes"][found.table["meaningful"]]
    sets = [[int(code) for code in codes.split()] for codes in meaningful]
    covered = [
        bool(seen) and any(all(row[code] for code in codes) for codes in sets)
        for row, seen in zip(shown, visible.observation, strict=True)
    ]
    assert 0 < np.mean(covered) < 1
    np.testing.assert_array_equal(found.covered, covered)


def test_no_sets_are_found_by_chance(planted: tuple[Visible, np.ndarray, ScoredSets]) -> None:
    visible, shown, found = planted
    assert found.null <= 0.05 * found.found.confirmed.mean()
    # Each code of a set as it is in other episodes, by partners that the test itself does not know.
    apart, steps = shown.copy(), np.arange(len(shown))
    for round_, code in enumerate(range(9)):
        apart[:, code] = shown[np.maximum(make_play(1).exchanged(steps, round_), 0), code]
    apart[:, 9:] = False
    null = find(apart, visible, least=3).found
    assert null.tested.sum() > 20
    assert null.confirmed.mean() <= 0.05 * found.found.confirmed.mean()
    assert null.holds.sum() <= 0.05 * found.found.holds.sum()


def test_a_set_of_one_episode_is_not_tested() -> None:
    visible, shown = plant(0)
    shown &= (visible.episode == 7)[:, None]
    found = find(shown, visible)
    assert len(found.table)
    assert found.table["confirmed"].isna().all()
    assert not found.covered.any()


def test_no_sets() -> None:
    episode = np.repeat(np.arange(4), 5)
    visible = Visible.of(episode, np.zeros(20, np.uint8), 0)
    shown = np.zeros((20, 4), bool)
    shown[:, :2] = True
    for consistent in (np.ones(4, bool), np.zeros(4, bool)):
        found = find(shown, visible, consistent, least=1)
        assert (len(found.table), found.null, found.covered.sum()) == (0, 0, 0)
        assert tuple(found.table.columns) == COLUMNS
        assert found.found.summary()["confirmed"] == 0
