"""How often codes meet, by chance and not, and which sets of them do."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from test_consistency import make_config

from irislib.interpret.cooccurrence.independence_test import PresenceSeries
from irislib.interpret.cooccurrence.sets import ScoredSets, mine_sets, score_sets, splits


def as_sparse(shown: np.ndarray) -> sparse.csr_array:
    return sparse.csr_array(shown.astype(np.int64))


def persistent(rng: np.random.Generator, steps: int, rate: float, stay: float) -> np.ndarray:
    """A code that is there or not for spells of geometric length, bool [steps]."""
    anew = rng.random(steps) >= stay
    anew[0] = True
    drawn = rng.random(steps) < rate
    there: np.ndarray = drawn[np.flatnonzero(anew)[np.cumsum(anew) - 1]]
    return there


def find(shown: np.ndarray, episode: np.ndarray, min_count: int = 5) -> ScoredSets:
    present, codes = as_sparse(shown), shown.shape[1]
    label, consistent = np.full(codes, "grass", object), np.ones(codes, bool)
    return score_sets(
        PresenceSeries.of(present, episode), present, label, consistent, make_config(), min_count
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("min_count", [1, 4, 9])
def test_mined_sets_equal_brute_force(seed: int, min_count: int) -> None:
    rng = np.random.default_rng(seed)
    shown = rng.random((50, 9)) < rng.uniform(0.1, 0.7, 9)
    codes = np.array([0, 2, 3, 5, 6, 8])
    expected = [
        some
        for size in range(1, 5)
        for some in itertools.combinations(codes.tolist(), size)
        if shown[:, some].all(axis=1).sum() >= min_count
    ]
    assert mine_sets(as_sparse(shown), codes, min_count, 4) == expected
    assert mine_sets(as_sparse(shown), codes[:0], min_count, 4) == []


@pytest.mark.parametrize(("size", "ways"), [(2, 1), (3, 3), (4, 7), (5, 15)])
def test_every_way_to_part_a_set_comes_once(size: int, ways: int) -> None:
    halves = {frozenset(map(frozenset, pair)) for pair in splits(size)}
    assert len(halves) == len(splits(size)) == ways
    assert all(set(a) | set(b) == set(range(size)) and a and b for a, b in splits(size))


def test_events_equal_a_loop_also_where_lanes_interleave() -> None:
    rng = np.random.default_rng(3)
    episode = rng.permutation(np.repeat([2, 5, 9], [30, 17, 40]))
    shown = rng.random((87, 4)) < 0.5
    series = PresenceSeries.of(as_sparse(shown), episode)
    events = series.events([(0,), (1, 3)])
    for i, codes in enumerate([(0,), (1, 3)]):
        there = np.asarray(shown[:, codes].all(axis=1))
        assert events.count[i] == there.sum()
        assert events.episodes[i] == len(set(episode[there]))
        for j, lag in enumerate(series.lags):
            products = []
            for one in (2, 5, 9):
                x = there[episode == one] - there.mean()
                products += list(x[: max(len(x) - lag, 0)] * x[lag:])
            assert events.autocovariance[i, j] == pytest.approx(max(np.mean(products), 0))
    pairs = sum(length**2 for length in (30, 17, 40))
    assert series.weight.sum() == pairs
    assert series.lags[0] == 0 and series.weight[0] == 87


@pytest.mark.parametrize(("stay", "rate"), [(0.0, 0.3), (0.8, 0.3), (0.95, 0.5), (0.9, 0.05)])
def test_codes_that_meet_by_chance_are_seldom_significant(stay: float, rate: float) -> None:
    """However persistent they are; a test that takes every frame for a draw fails for all but the first."""
    rng = np.random.default_rng(5)
    shown = np.stack([persistent(rng, 3000, rate, stay) for _ in range(60)], axis=1)
    episode = np.repeat(np.arange(15), 200)
    series = PresenceSeries.of(as_sparse(shown), episode)
    events = series.events([(code,) for code in range(60)])
    a, b = np.triu_indices(60, k=1)
    count = np.array([(shown[:, i] & shown[:, j]).sum() for i, j in zip(a, b, strict=True)])
    p_values = series.p_values(count, events.take(a), events.take(b))
    for level in (0.01, 0.05, 0.25, 0.5):
        assert np.mean(p_values <= level) < 1.5 * level + 0.01
    if rate > 0.1:  # rarer codes often do not meet at all
        assert 0.4 < np.median(p_values) < 0.6
        assert np.mean(p_values <= 0.05) > 0.02


def test_planted_set_is_found_and_one_that_follows_from_its_parts_is_not() -> None:
    """Codes 0, 1, 2 show up together; 3 and 4 do, with 5 there by chance; the rest are alone."""
    rng = np.random.default_rng(6)
    steps = 2400
    shown = rng.random((steps, 8)) < 0.1
    shown[:, 5] = rng.random(steps) < 0.5
    event, other = rng.random((2, steps)) < 0.04
    shown[event, :3] = True
    shown[other, 3:5] = True
    episode = np.repeat(np.arange(12), 200)
    found = find(shown, episode)
    table = found.table.set_index("codes")
    assert list(table.index[table["meaningful"]]) == ["0 1 2"]
    assert "3 4 5" in table.index
    both = shown[:, :3].all(axis=1)
    assert found.covered == pytest.approx(both.mean())
    row = table.loc["0 1 2"]
    assert (row["size"], row["count"], row["episodes"]) == (3, both.sum(), 12)
    least = min(
        both.mean() / (shown[:, half].all(axis=1).mean() * shown[:, rest].all(axis=1).mean())
        for half, rest in (([0], [1, 2]), ([1], [0, 2]), ([2], [0, 1]))
    )
    assert row["pmi"] == pytest.approx(np.log2(least))
    assert (np.diff(found.table["count"]) <= 0).all()


def test_a_set_of_one_episode_is_not_meaningful() -> None:
    shown = np.zeros((1000, 3), bool)
    shown[::50] = True
    assert find(shown, np.repeat(np.arange(5), 200)).table["meaningful"].all()
    assert not find(shown, np.zeros(1000, int)).table["meaningful"].any()


def test_no_sets() -> None:
    found = find(np.zeros((20, 4), bool), np.zeros(20, int))
    assert (len(found.table), found.covered) == (0, 0)
    assert list(found.table.columns)[:3] == ["codes", "size", "count"]
