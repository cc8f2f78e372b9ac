import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from test_consistency import FEATURES, brute_force, make_config, unit

from irislib.interpret.cooccurrence.independence_test import PresenceSeries
from irislib.interpret.cooccurrence.pair_labels import label_combinations
from irislib.interpret.cooccurrence.pairs import ScoredPairs, count_pairs, covered_share, score_pairs
from irislib.interpret.evidence import Crops, Maps
from irislib.interpret.labels.label_mass import LabelMass

CODES = 6
NAMES = ("grass", "tree", "hud")


def make_maps(present: np.ndarray, alive: np.ndarray, episode: np.ndarray) -> Maps:
    """Maps of pairs bool [T,K], one map a pair; `alive` says which are not empty."""
    step, code = np.nonzero(present)
    nonempty = alive[step, code]
    return Maps(present.shape[1], episode, code, nonempty, nonempty, step, np.arange(len(step)))


def random_maps(seed: int, steps: int = 60) -> tuple[Maps, np.ndarray]:
    rng = np.random.default_rng(seed)
    present, alive = rng.random((2, steps, CODES)) < 0.6
    return make_maps(present, alive, rng.integers(0, 4, steps)), present & alive


def make_labels(maps: Maps, label: np.ndarray) -> LabelMass:
    """LabelMass of every pair, int [P]; nothing else is known."""
    counts = np.zeros((maps.codes, len(NAMES)), np.int64)
    alive = maps.occurrence_nonempty
    np.add.at(counts, (maps.occurrence_code[alive], label[alive]), 1)
    stretch, mass = np.zeros(0, np.int64), np.zeros((0, 1))
    found = np.where(alive, label, -1).astype(np.int8)
    return LabelMass(NAMES, found, counts, counts, stretch, stretch, mass, np.zeros((0, len(NAMES))), mass)


def no_crops() -> Crops:
    none = np.zeros(0, np.int32)
    return Crops(
        0, none, none, none, np.zeros((0, 4), np.int16), none, none, none, np.zeros((0, FEATURES), np.float16)
    )


def pair_up(
    maps: Maps, crops: Crops, consistent: np.ndarray, min_crops: int, min_pair_count: int
) -> ScoredPairs:
    series = PresenceSeries.of(maps.presence, maps.episode)
    labels = make_labels(maps, np.zeros(len(maps.occurrence_map), int))
    config = replace(make_config(min_crops=min_crops), min_pair_count=min_pair_count)
    return score_pairs(maps, series, crops, labels, consistent, config)


@pytest.mark.parametrize("seed", range(3))
def test_sparse_counts_equal_a_double_loop(seed: int) -> None:
    maps, shown = random_maps(seed)
    pairs = pair_up(maps, no_crops(), np.ones(CODES, bool), 2, 1).pairs
    expected = {}
    for a, b in itertools.combinations(range(CODES), 2):
        both = shown[:, a] & shown[:, b]
        if both.any():
            expected[a, b] = (both.sum(), len(set(maps.episode[both])))
    assert len(expected) > CODES
    assert {(a, b): n for a, b, n in zip(*count_pairs(maps.presence), strict=True)} == {
        pair: count for pair, (count, _) in expected.items()
    }
    rows = pairs[["code_a", "code_b", "count", "episodes"]].to_numpy()
    assert {(a, b): (n, m) for a, b, n, m in rows} == expected


def test_listed_pairs_are_frequent_and_sorted_and_have_the_right_pmi() -> None:
    maps, shown = random_maps(3)
    found = pair_up(maps, no_crops(), np.ones(CODES, bool), min_crops=2, min_pair_count=9)
    everything = [
        (a, b, int((shown[:, a] & shown[:, b]).sum())) for a, b in itertools.combinations(range(CODES), 2)
    ]
    expected = sorted((pair for pair in everything if pair[2] >= 9), key=lambda pair: (-pair[2], *pair[:2]))
    assert 0 < len(expected) < len(everything)
    assert [tuple(map(int, row)) for row in found.pairs[["code_a", "code_b", "count"]].to_numpy()] == expected
    assert found.seen == sum(count > 0 for *_, count in everything)
    for row in found.pairs.itertuples():
        a, b = shown[:, row.code_a], shown[:, row.code_b]
        assert row.pmi == pytest.approx(math.log2((a & b).mean() / (a.mean() * b.mean())))
        assert row.share == pytest.approx((a & b).mean())
    assert found.pairs["consistency"].isna().all()
    assert not found.pairs["interpretable"].any()
    assert found.covered == 0


def test_coverage_equals_a_loop() -> None:
    maps, shown = random_maps(4)
    a, b = np.array([0, 1, 0]), np.array([3, 2, 5])
    covered = [any(row[i] and row[j] for i, j in zip(a, b, strict=True)) for row in shown]
    assert 0 < np.mean(covered) < 1
    assert covered_share(maps.presence, a, b) == pytest.approx(np.mean(covered))


def test_labels_of_pairs_equal_a_loop() -> None:
    maps, shown = random_maps(5)
    rng = np.random.default_rng(5)
    of_step = rng.integers(0, 3, shown.shape)
    labels = make_labels(maps, of_step[maps.occurrence_step, maps.occurrence_code])
    a, b, _ = count_pairs(maps.presence)
    found = label_combinations(maps, labels, a, b)
    for i in range(len(a)):
        steps = np.flatnonzero(shown[:, a[i]] & shown[:, b[i]])
        both = [(of_step[t, a[i]], of_step[t, b[i]]) for t in steps]
        pair = (NAMES.index(found["label_a"][i]), NAMES.index(found["label_b"][i]))
        assert both.count(pair) == max(both.count(other) for other in both)
        assert found["label_share"][i] == pytest.approx(both.count(pair) / len(both))
        alone = [
            np.mean(of_step[shown[:, code], code] == label)
            for code, label in zip((a[i], b[i]), pair, strict=True)
        ]
        assert found["label_lift"][i] == pytest.approx(both.count(pair) / len(both) / math.prod(alone))


def planted(steps: int = 40) -> tuple[Maps, Crops]:
    """Codes 0 and 1 always meet, in the first 12 observations; 2 is everywhere; all show one thing."""
    rng = np.random.default_rng(7)
    shown = np.zeros((steps, CODES), bool)
    shown[:12, :2] = shown[:, 2] = True
    step, code = np.nonzero(shown)
    # Two crops of code 0 in an observation: their mean counts once.
    step, code = np.append(step, np.arange(12)), np.append(code, np.zeros(12, int))
    thing = 2 * rng.normal(size=(CODES, FEATURES))[code]
    vectors = np.concatenate([thing, np.zeros_like(thing)]) + rng.normal(size=(2 * len(code), FEATURES))
    rows, episode = np.arange(2 * len(code)), np.arange(steps) % 6
    crops = Crops(
        regions=len(code),
        code=code,
        step=step,
        episode=episode[step],
        box=np.tile(np.array([0, 0, 1, 1]), (len(code), 1)),
        own=rows[: len(code)],
        random=rows[len(code) :],
        elsewhen=rows[len(code) :],
        embedding=vectors.astype(np.float16),
    )
    return make_maps(shown, shown, episode), crops


def test_planted_pair_is_interpretable_where_its_codes_are() -> None:
    maps, crops = planted()
    consistent = np.array([True] * 3 + [False] * 3)
    found = pair_up(maps, crops, consistent, min_crops=12, min_pair_count=1)
    pairs = found.pairs.set_index(["code_a", "code_b"])
    # Code 2 is everywhere, so meeting it means nothing (PMI 0).
    assert pairs["interpretable"].to_dict() == {(0, 1): True, (0, 2): False, (1, 2): False}
    assert found.covered == pytest.approx(12 / 40)
    assert list(pairs["episodes"]) == [6, 6, 6]

    swapped = replace(crops, own=crops.random, random=crops.own)
    assert not pair_up(maps, swapped, consistent, 12, 1).pairs["interpretable"].any()
    assert not pair_up(maps, crops, consistent, 13, 1).pairs["interpretable"].any()
    consistent[1] = False
    assert not pair_up(maps, crops, consistent, 12, 1).pairs["interpretable"].any()


def test_planted_pair_is_meaningful_without_any_crop_in_common() -> None:
    maps, _ = planted(steps=200)
    consistent = np.array([True] * 3 + [False] * 3)
    found = pair_up(maps, no_crops(), consistent, min_crops=12, min_pair_count=1)
    pairs = found.pairs.set_index(["code_a", "code_b"])
    assert pairs["meaningful"].to_dict() == {(0, 1): True, (0, 2): False, (1, 2): False}
    assert not pairs["interpretable"].any()
    assert found.covered_meaningful == pytest.approx(12 / 200)
    one_episode = replace(maps, episode=np.zeros(200, int))
    assert not pair_up(one_episode, no_crops(), consistent, 12, 1).pairs["meaningful"].any()
    consistent[0] = False
    assert not pair_up(maps, no_crops(), consistent, 12, 1).pairs["meaningful"].any()


def test_pair_consistency_equals_brute_force_over_concatenated_vectors() -> None:
    maps, crops = planted()
    row = pair_up(maps, crops, np.ones(CODES, bool), 2, 1).pairs.set_index(["code_a", "code_b"]).loc[(0, 1)]
    for rows, name in ((crops.own, "consistency"), (crops.random, "consistency_random")):
        joint = [
            np.concatenate(
                [unit(crops.units(rows[(crops.code == k) & (crops.step == t)]).mean(axis=0)) for k in (0, 1)]
            )
            for t in range(12)
        ]
        assert row[name] == pytest.approx(brute_force(unit(np.array(joint))), abs=1e-5)


def test_nothing_to_pair() -> None:
    nowhere = np.zeros((5, CODES), bool)
    found = pair_up(make_maps(nowhere, nowhere, np.zeros(5, int)), no_crops(), nowhere[0], 2, 1)
    assert (len(found.pairs), found.seen, found.covered, found.covered_meaningful) == (0, 0, 0.0, 0.0)
