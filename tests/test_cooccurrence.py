"""Pairs of codes: planted ones are found; those that share a time, a stratum or one episode are not."""

import itertools
import math

import numpy as np
import pytest

from irislib.interpret.confirmation.halves import divide
from irislib.interpret.cooccurrence.measure import measure_cooccurrence
from irislib.interpret.cooccurrence.pair_labels import label_combinations
from irislib.interpret.cooccurrence.pairs import ScoredPairs, count_pairs, covered, score_pairs
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.observations.exchange import ROUNDS
from irislib.interpret.observations.visible import Visible

CODES = 6
NAMES = ("grass", "tree", "hud")
EPISODES, LENGTH = 32, 80
PLANTED = [(2 * i, 2 * i + 1) for i in range(6)]


def make_config(min_pair_count: int = 1) -> MetricsConfig:
    return MetricsConfig(*(0.05, 5, min_pair_count), min_set_share=0.0, max_set_size=4, psnr_frames=1)


def make_maps(present: np.ndarray, nonempty: np.ndarray, episode: np.ndarray) -> Maps:
    """Maps of occurrences bool [T,K], each of its own; bool [T,K] `nonempty` says which are not empty."""
    step, code = np.nonzero(present)
    lit = nonempty[step, code]
    return Maps(present.shape[1], episode, code, lit, lit, step, np.arange(len(step)))


def random_play(seed: int, steps: int = 60) -> tuple[Maps, Visible, np.ndarray]:
    """The maps, the observations, and bool [T,K] where a code's map is not empty in a visible observation."""
    rng = np.random.default_rng(seed)
    present, nonempty = rng.random((2, steps, CODES)) < 0.6
    episode = np.sort(rng.integers(0, 4, steps))
    visible = Visible.of(episode, rng.choice([0, 1, 2], steps, p=[0.5, 0.3, 0.2]).astype(np.uint8), seed)
    maps = make_maps(present, nonempty, episode)
    return maps, visible, present & nonempty & visible.observation[:, None]


def make_labels(maps: Maps, visible: Visible, label: np.ndarray) -> LabelMass:
    """LabelMass of every occurrence; nothing else is known."""
    counts = np.zeros((visible.episodes, maps.codes, len(NAMES)), np.int64)
    lit = maps.occurrence_nonempty & visible.observation[maps.occurrence_step]
    np.add.at(counts, (visible.episode[maps.occurrence_step[lit]], maps.occurrence_code[lit], label[lit]), 1)
    none, mass = np.zeros(0, np.int64), np.zeros((0, len(NAMES)), np.float32)
    found = np.where(lit, label, -1).astype(np.int8)
    elsewhen, exchanged = (
        np.zeros((ROUNDS, *counts.shape[1:]), int),
        np.zeros((ROUNDS, *mass.shape), np.float32),
    )
    return LabelMass(
        *(NAMES, maps.codes, visible.episodes, found, counts, elsewhen),
        *(none, none, none, mass, exchanged),
    )


def pair_up(
    maps: Maps, visible: Visible, consistent: np.ndarray | None = None, least: int = 1
) -> ScoredPairs:
    labels = make_labels(maps, visible, np.zeros(len(maps.occurrence_map), int))
    consistent = np.ones(maps.codes, bool) if consistent is None else consistent
    halves = divide(visible.episodes, 0)
    return score_pairs(maps, visible, labels, consistent, halves, make_config(least))


@pytest.mark.parametrize("seed", range(3))
def test_counts_of_visible_observations_equal_a_double_loop(seed: int) -> None:
    maps, visible, shown = random_play(seed)
    table = pair_up(maps, visible).table
    expected = {}
    for a, b in itertools.combinations(range(CODES), 2):
        both = shown[:, a] & shown[:, b]
        if both.any():
            expected[a, b] = (both.sum(), len(set(maps.episode[both])))
    assert len(expected) > CODES
    rows = table[["code_a", "code_b", "count", "episodes"]].to_numpy()
    assert {(a, b): (n, m) for a, b, n, m in rows} == expected
    share = table["count"] / visible.observation.sum()
    np.testing.assert_allclose(table["share"], share)


def test_listed_pairs_are_consistent_frequent_and_sorted() -> None:
    maps, visible, shown = random_play(3)
    consistent = np.array([True] * 4 + [False, True])
    found = pair_up(maps, visible, consistent, least=6).table
    everything = [
        (a, b, int((shown[:, a] & shown[:, b]).sum()))
        for a, b in itertools.combinations(np.flatnonzero(consistent).tolist(), 2)
    ]
    expected = sorted((pair for pair in everything if pair[2] >= 6), key=lambda pair: (-pair[2], *pair[:2]))
    assert 0 < len(expected) < len(everything)
    assert [tuple(map(int, row)) for row in found[["code_a", "code_b", "count"]].to_numpy()] == expected
    assert found["confirmed"].isna().all()  # four episodes are too few
    assert not found["meaningful"].any()


def test_expected_counts_are_means_over_exchanges() -> None:
    maps, visible, shown = random_play(4)
    table = pair_up(maps, visible).table.set_index(["code_a", "code_b"])
    for (a, b), row in table.iterrows():
        total = 0.0
        for episode in range(visible.episodes):
            mine = np.flatnonzero(shown[:, a] & (visible.episode == episode))
            draws = [visible.exchanged(mine, round_) for round_ in range(ROUNDS)]
            known = [other[other >= 0] for other in draws]
            means = [len(mine) * shown[other, b].mean() for other in known if len(other)]
            total += np.mean(means) if means else 0
        assert row["expected"] == pytest.approx(total, rel=1e-5)


def test_pairs_are_counted_in_order_and_coverage_equals_a_loop() -> None:
    maps, _, _ = random_play(5)
    shown = maps.presence.toarray() > 0
    a, b, count = count_pairs(maps.presence)
    assert list(zip(a, b, strict=True)) == list(itertools.combinations(range(CODES), 2))
    np.testing.assert_array_equal(count, (shown[:, a] & shown[:, b]).sum(axis=0))
    a, b = np.array([0, 1, 0]), np.array([3, 2, 5])
    found = [any(row[i] and row[j] for i, j in zip(a, b, strict=True)) for row in shown]
    assert 0 < np.mean(found) < 1
    np.testing.assert_array_equal(covered(maps.presence, a, b), found)


def test_labels_of_pairs_equal_a_loop() -> None:
    maps, visible, shown = random_play(5)
    rng = np.random.default_rng(5)
    of_step = rng.integers(0, 3, shown.shape)
    labels = make_labels(maps, visible, of_step[maps.occurrence_step, maps.occurrence_code])
    a, b = np.triu_indices(CODES, k=1)
    found = label_combinations(maps, labels, a, b)
    for i in range(len(a)):
        steps = np.flatnonzero(shown[:, a[i]] & shown[:, b[i]])
        both = [(of_step[t, a[i]], of_step[t, b[i]]) for t in steps]
        pair = (NAMES.index(found["label_a"][i]), NAMES.index(found["label_b"][i]))
        assert both.count(pair) == max(both.count(other) for other in both)
        assert found["label_share"][i] == pytest.approx(both.count(pair) / len(both))
        assert found["episodes"][i] == len(set(maps.episode[steps]))
        alone = [
            np.mean(of_step[shown[:, code], code] == label)
            for code, label in zip((a[i], b[i]), pair, strict=True)
        ]
        assert found["label_lift"][i] == pytest.approx(both.count(pair) / len(both) / math.prod(alone))


def make_play(seed: int) -> Visible:
    """Episodes with a night each, at any time, and some sleep at its end."""
    episode, step = np.divmod(np.arange(EPISODES * LENGTH), LENGTH)
    hour = (step + 13 * episode) % LENGTH
    stratum = (hour >= LENGTH // 2).astype(np.uint8)
    stratum[(hour >= 3 * LENGTH // 4) & (episode % 4 == 0)] = 2
    return Visible.of(episode, stratum, seed)


def spells(rng: np.random.Generator, rate: np.ndarray | float, n: int, stay: float = 0.7) -> np.ndarray:
    """Codes that come and go in spells, bool [T,n]; `rate`, of an observation, decides where one begins."""
    fresh = rng.random((EPISODES * LENGTH, n)) >= stay
    fresh[::LENGTH] = True
    begun = rng.random(fresh.shape) < rate
    number = fresh.cumsum(axis=0) - 1
    there = [begun[fresh[:, i], i][number[:, i]] for i in range(n)]
    return np.stack(there, axis=1)


def plant(seed: int) -> tuple[Visible, np.ndarray]:
    """Bool [T,24]: codes 0 to 11 in pairs that often come together; 12 and 13 become more frequent with time;
    14 and 15 come at night; 16 and 17 come together, in one episode alone; the others know of nothing.
    """
    rng, visible = np.random.default_rng(seed), make_play(seed)
    shown = spells(rng, 0.1, 24)
    event = spells(rng, 0.15, len(PLANTED))
    for i, pair in enumerate(PLANTED):
        shown[:, pair] |= event[:, [i]] & (rng.random((len(shown), 2)) < 0.8)
    shown[:, 12:14] = spells(rng, (visible.step / LENGTH)[:, None], 2)
    shown[:, 14:16] = spells(rng, 0.5, 2) & (visible.stratum == 1)[:, None]
    shown[:, 16:18] = spells(rng, 0.5, 1) & (visible.episode == 7)[:, None]
    return visible, shown


@pytest.fixture(scope="module")
def planted() -> tuple[Visible, np.ndarray, ScoredPairs]:
    visible, shown = plant(0)
    return visible, shown, pair_up(make_maps(shown, shown, visible.episode), visible, least=5)


def test_planted_pairs_are_found_and_those_of_one_time_or_one_episode_are_not(
    planted: tuple[Visible, np.ndarray, ScoredPairs],
) -> None:
    *_, found = planted
    table = found.table.set_index(["code_a", "code_b"])
    meaningful = set(table.index[table["meaningful"]])
    assert set(PLANTED) <= meaningful
    assert len(meaningful) <= len(PLANTED) + 1
    assert not table.loc[[(12, 13), (14, 15), (16, 17)], "meaningful"].any()
    assert np.isnan(table.loc[(16, 17), "confirmed"])
    # Time alone brings these two together more often than their shares of all observations.
    often = table.loc[[(12, 13), (14, 15)]]
    _, shown, _ = planted
    seen = shown[planted[0].observation].mean(axis=0)
    assert (often["share"] > 1.2 * np.array([seen[12] * seen[13], seen[14] * seen[15]])).all()
    np.testing.assert_allclose(often["count"], often["expected"], rtol=0.2)


def test_no_pairs_are_found_by_chance(planted: tuple[Visible, np.ndarray, ScoredPairs]) -> None:
    visible, shown, found = planted
    assert found.null <= 0.05 * found.found.confirmed.mean()
    # Odd codes of other episodes, by partners that the test itself does not know.
    other = make_play(1).exchanged(np.arange(len(shown)), 0)
    apart = shown.copy()
    apart[:, 1:12:2] = shown[np.maximum(other, 0), 1:12:2]
    null = pair_up(make_maps(apart, apart, visible.episode), visible, least=5)
    assert null.found.tested.sum() > 0.9 * found.found.tested.sum()
    assert null.found.confirmed.mean() <= 0.05 * found.found.confirmed.mean()
    assert null.found.holds.sum() <= 0.05 * found.found.holds.sum()


def test_observations_are_covered_by_meaningful_pairs_alone(
    planted: tuple[Visible, np.ndarray, ScoredPairs],
) -> None:
    visible, shown, _ = planted
    consistent = np.arange(24) < 4
    maps = make_maps(shown, shown, visible.episode)
    labels = make_labels(maps, visible, np.zeros(len(maps.occurrence_map), int))
    found = measure_cooccurrence(maps, visible, labels, consistent, divide(EPISODES, 0), make_config(5))
    assert found.pairs["meaningful"].sum() == found.summary["pairs"]["holds"] == 2
    both = (shown[:, 0] & shown[:, 1]) | (shown[:, 2] & shown[:, 3])
    assert found.summary["pairs"]["covered"] == pytest.approx(both[visible.observation].mean())
    assert found.summary["sets"]["covered"] == found.sets["meaningful"].sum() == 0


@pytest.mark.parametrize("hidden", [False, True])
def test_nothing_to_pair(hidden: bool) -> None:
    nowhere, everywhere = np.zeros((12, CODES), bool), np.ones((12, CODES), bool)
    episode = np.repeat([0, 1], 6)
    visible = Visible.of(episode, np.full(12, 2 * hidden, np.uint8), 0)
    maps = make_maps(everywhere, everywhere if hidden else nowhere, episode)
    labels = make_labels(maps, visible, np.zeros(len(maps.occurrence_map), int))
    consistent = np.ones(CODES, bool)
    found = measure_cooccurrence(maps, visible, labels, consistent, divide(2, 0), make_config())
    assert (len(found.pairs), len(found.sets)) == (0, 0)
    for section in found.summary.values():
        assert section["tested"] == section["confirmed"] == section["null"] == 0
        assert np.isnan(section["covered"]) if hidden else section["covered"] == 0
