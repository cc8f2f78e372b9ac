"""Consistency of codes: closed forms, error rates where nothing is to be found, planted codes."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from scipy.stats import t as student

from irislib.interpret.confirmation.halves import Confirmed, divide
from irislib.interpret.confirmation.studentised import FEWEST
from irislib.interpret.consistency.codes import score_codes, score_random
from irislib.interpret.consistency.comparison import Comparison, mean_pairwise_cosine
from irislib.interpret.consistency.exchanged_crops import exchange_crops
from irislib.interpret.consistency.measure import measure_consistency
from irislib.interpret.evidence import Crops
from irislib.interpret.metrics_config import MetricsConfig

FEATURES = 32
EPISODES = 20
HALVES = divide(EPISODES, 0)
CONFIG = MetricsConfig(
    alpha=0.05, min_crops=5, min_pair_count=1, min_set_share=0.0, max_set_size=4, psnr_frames=1
)


def unit(vectors: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled


def brute_force(units: np.ndarray) -> float:
    n = len(units)
    return float(np.mean([units[i] @ units[j] for i in range(n) for j in range(n) if i != j]))


def brute_force_between(own: np.ndarray, other: np.ndarray) -> float:
    n = len(own)
    return float(np.mean([own[i] @ other[j] for i in range(n) for j in range(n) if i != j]))


def brute_force_across(units: np.ndarray, episode: np.ndarray) -> float:
    pairs = itertools.permutations(range(len(units)), 2)
    return float(np.mean([units[i] @ units[j] for i, j in pairs if episode[i] != episode[j]]))


def make_crops(
    code: np.ndarray,
    episode: np.ndarray,
    own: np.ndarray,
    elsewhen: np.ndarray,
    random: np.ndarray | None = None,
) -> Crops:
    """Crops whose embeddings are the rows of `own`, `elsewhen` and `random`, all distinct."""
    n = len(code)
    rows = np.arange(3 * n, dtype=np.int32).reshape(3, n)
    embedding = np.concatenate([own, elsewhen, elsewhen if random is None else random]).astype(np.float16)
    box = np.tile(np.array([0, 0, 1, 1]), (n, 1))
    return Crops(
        *(n, code, np.arange(n), episode, box),
        own=rows[0],
        random=rows[2],
        elsewhen=rows[1],
        own_from=episode,
        elsewhen_from=episode + 1000,
        embedding=embedding,
    )


def score(crops: Crops, codes: int) -> tuple[pd.DataFrame, Confirmed]:
    return score_codes(crops, np.ones(len(crops.own)), codes, HALVES, CONFIG, seed=0)


@pytest.mark.parametrize("n", [2, 3, 17])
def test_closed_form_equals_brute_force(n: int) -> None:
    rng = np.random.default_rng(n)
    units, weights = unit(rng.normal(0.3, 1, (n, FEATURES))), rng.random(n)
    assert mean_pairwise_cosine(units) == pytest.approx(brute_force(units), abs=1e-12)
    pairs = list(itertools.combinations(range(n), 2))
    total = sum(weights[i] * weights[j] for i, j in pairs)
    weighted = sum(weights[i] * weights[j] * (units[i] @ units[j]) for i, j in pairs) / total
    assert mean_pairwise_cosine(units, weights) == pytest.approx(weighted, abs=1e-12)
    assert mean_pairwise_cosine(units, 7 * weights) == pytest.approx(weighted, abs=1e-12)


def test_identical_vectors_agree_fully_and_one_vector_is_undefined() -> None:
    one = unit(np.ones((1, FEATURES)))
    assert mean_pairwise_cosine(one.repeat(7, 0)) == pytest.approx(1)
    assert np.isnan(mean_pairwise_cosine(one))
    assert np.isnan(mean_pairwise_cosine(one[:0]))
    assert np.isnan(mean_pairwise_cosine(one.repeat(3, 0), np.array([0.0, 1, 0])))


def test_comparison_and_its_jackknife_equal_brute_force() -> None:
    """In groups of 12 episodes, 9 of which have crops: left out one at a time, and computed from scratch."""
    rng = np.random.default_rng(1)
    episode = rng.permutation(np.repeat([0, 1, 3, 4, 6, 7, 9, 10, 11], [1, 2, 3, 1, 4, 1, 2, 1, 2]))
    own, other = unit(rng.normal(0.3, 1, (17, FEATURES))), unit(rng.normal(0.1, 1, (17, FEATURES)))
    compared = Comparison.of_two(own, other, episode)

    def difference(chosen: np.ndarray) -> float:
        rows = np.isin(episode, chosen)
        return brute_force_across(own[rows], episode[rows]) - brute_force_across(other[rows], episode[rows])

    assert compared.difference == pytest.approx(difference(np.arange(12)), abs=1e-12)
    groups = np.concatenate([np.ones((1, 12), bool), rng.random((20, 12)) < 0.7, rng.random((5, 12)) < 0.3])
    found = compared.p_values(groups)
    for group, p_value in zip(groups, found, strict=True):
        chosen = np.intersect1d(np.flatnonzero(group), episode)
        n = len(chosen)
        if n < FEWEST:
            assert np.isnan(p_value)
            continue
        without = np.array([difference(np.delete(chosen, i)) for i in range(n)])
        error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
        assert p_value == pytest.approx(student.sf(difference(chosen) / error, n - 1))
    assert np.isnan(found).any()


def test_counterparts_are_compared_with_crops_of_other_episodes_alone() -> None:
    rng = np.random.default_rng(1)
    episode = rng.permutation(np.repeat(np.arange(7), 3))
    partner = (episode + 1) % 7
    partner[:4] = (episode[:4] + 2) % 7  # where the first one lacks a stratum
    own, other = unit(rng.normal(0.3, 1, (21, FEATURES))), unit(rng.normal(0.1, 1, (21, FEATURES)))
    compared = Comparison.with_counterparts(own, other, episode, episode, partner)
    pairs = [(i, j) for i, j in itertools.permutations(range(21), 2) if episode[i] != episode[j]]
    between = [own[i] @ other[j] for i, j in pairs if episode[i] != partner[j]]
    expected = np.mean([own[i] @ own[j] for i, j in pairs]) - np.mean(between)
    assert compared.difference == pytest.approx(expected, abs=1e-12)
    assert len(between) < len(pairs)


def test_a_code_that_shows_one_thing_is_consistent_where_its_places_show_something_more_alike() -> None:
    """Cows differ from each other more than grass does, but all of them differ from grass."""
    rng = np.random.default_rng(14)
    code, episode = np.repeat([0, 1], 2 * EPISODES), np.tile(np.repeat(np.arange(EPISODES), 2), 2)
    cow, grass = 4 * np.eye(2, FEATURES)
    elsewhen = grass + 0.1 * rng.normal(size=(len(code), FEATURES))
    own = np.where(code[:, None] == 0, cow + rng.normal(size=elsewhen.shape), elsewhen[::-1])
    table, _ = score(make_crops(code, episode, own, elsewhen), 2)
    crops = unit(own[code == 0]), unit(elsewhen[code == 0])
    assert brute_force(crops[0]) < brute_force(crops[1]) - 0.2
    assert table["consistent"].tolist() == [True, False]


def test_bootstrap_equals_drawing_episodes_anew() -> None:
    rng = np.random.default_rng(2)
    episode = np.repeat(np.arange(6), 2)
    own, other = unit(rng.normal(0.4, 1, (12, FEATURES))), unit(rng.normal(0.2, 1, (12, FEATURES)))
    compared = Comparison.of_two(own, other, episode)
    low, high = compared.interval(np.random.default_rng(3))
    assert low < compared.difference < high
    drawn = np.random.default_rng(3).multinomial(6, np.full(6, 1 / 6), size=999)
    cosines = own @ own.T - other @ other.T
    differences = []
    for times in drawn:
        weight = np.outer(times[episode], times[episode]) * (episode[:, None] != episode)
        differences.append((weight * cosines).sum() / weight.sum())
    np.testing.assert_allclose((low, high), np.quantile(differences, [0.025, 0.975]), atol=1e-9)


def test_interval_covers_the_true_difference() -> None:
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(200):
        own = unit(rng.normal(size=(25, FEATURES)) + 0.8)
        compared = Comparison.of_two(own, unit(rng.normal(size=(25, FEATURES))), np.arange(25))
        covered.append(compared.interval(rng))
    many = unit(rng.normal(size=(20000, FEATURES)) + 0.8)
    truth = mean_pairwise_cosine(many)
    assert 0.85 <= np.mean([low <= truth <= high for low, high in covered]) <= 0.99


def nothing(rng: np.random.Generator, kind: str, episode: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crops and counterparts without a difference.

    Kind "noise": nothing has anything in common. "place": both show what is at a place. "frames": the crops
    of an episode are near copies of each other, as are their counterparts. "sprite": one of the two, by
    chance in each episode, shows a sprite.
    """
    own, other = rng.normal(0 if kind == "noise" else 0.3, 1, (2, len(episode), FEATURES))
    if kind in ("frames", "sprite"):
        one, two = rng.normal(0.3, 1, (2, EPISODES, FEATURES))
        own, other = 0.2 * own + one[episode], 0.2 * other + two[episode]
    if kind == "sprite":
        keeps = (rng.random(EPISODES) < 0.5)[episode, None]
        own = own + 2
        own, other = np.where(keeps, own, other), np.where(keeps, other, own)
    return own, other


@pytest.mark.parametrize("paper", [True, False])
@pytest.mark.parametrize("kind", ["noise", "place", "frames", "sprite"])
def test_type_one_error_is_nominal_where_crops_are_exchangeable(kind: str, paper: bool) -> None:
    rng = np.random.default_rng(5)
    episode = rng.permutation(np.repeat(np.arange(EPISODES), 3))
    p_values = []
    for _ in range(1000):
        own, other = nothing(rng, kind, episode)
        if paper:
            compared = Comparison.of_two(unit(own), unit(other), episode)
        else:
            units, partner = (unit(own), unit(other)), episode + 1000
            compared = Comparison.with_counterparts(*units, episode, episode, partner)
        p_values.append(compared.p_values(np.ones((1, EPISODES), bool))[0])
    found = np.count_nonzero(np.array(p_values) <= 0.05)
    low, high = binom.ppf([0.005, 0.995], len(p_values), 0.05)
    assert found <= high
    # The sum over pairs of crops without anything in common varies less than its jackknife tells.
    assert found >= low or kind == "noise" or not paper


def plant(rng: np.random.Generator) -> Crops:
    """40 codes in all episodes; 0 to 9 show a sprite of their own, the others what their places show."""
    code = np.repeat(np.arange(40), 2 * EPISODES)
    episode = np.tile(np.repeat(np.arange(EPISODES), 2), 40)
    place, sprite = rng.normal(size=(2, 40, FEATURES))[:, code]
    own, elsewhen, random = rng.normal(size=(3, len(code), FEATURES))
    own = own + np.where(code[:, None] < 10, sprite, place)
    return make_crops(code, episode, own, elsewhen + np.where(code[:, None] < 10, 0, place), random)


def test_planted_sprites_are_found_and_places_are_not() -> None:
    crops = plant(np.random.default_rng(6))
    table, found = score(crops, 45)
    assert len(table) == 45
    consistent = table["consistent"].to_numpy()
    assert consistent[:10].all()
    assert consistent[10:].sum() <= 1
    assert found.tested.sum() == 40
    assert (table["crops"][:40] == 2 * EPISODES).all() and (table["episodes"][:40] == EPISODES).all()
    assert (table["difference_low"] < table["difference"])[:40].all()
    assert (table["difference"] < table["difference_high"])[:40].all()
    row, mine = table.loc[7], crops.code == 7
    assert row["consistency"] == pytest.approx(brute_force(crops.units(crops.own[mine])), abs=1e-9)
    between = brute_force_between(crops.units(crops.own[mine]), crops.units(crops.elsewhen[mine]))
    assert row["consistency_elsewhen"] == pytest.approx(between, abs=1e-9)
    assert table.equals(score(crops, 45)[0])


def test_a_place_beats_random_boxes_whatever_it_shows() -> None:
    crops = plant(np.random.default_rng(6))
    table, _ = score_random(crops, 40, HALVES, CONFIG)
    assert table["beats_random"].all()
    assert (table["random_confirmed"] > 0.5).all()
    mine = crops.code == 3
    expected = brute_force(crops.units(crops.random[mine]))
    assert table.loc[3, "consistency_random"] == pytest.approx(expected, abs=1e-9)


def test_whole_episodes_of_a_code_change_roles() -> None:
    crops = plant(np.random.default_rng(7))
    crops.elsewhen[::7] = -1
    changed = exchange_crops(crops, 0)
    swapped = changed.own == crops.elsewhen
    has = crops.elsewhen >= 0
    np.testing.assert_array_equal(changed.own, np.where(swapped, crops.elsewhen, crops.own))
    np.testing.assert_array_equal(changed.elsewhen, np.where(swapped, crops.own, crops.elsewhen))
    assert not swapped[~has].any()
    share = pd.Series(swapped[has]).groupby([crops.code[has], crops.episode[has]]).mean()
    assert set(share) == {0, 1}
    assert share.mean() == pytest.approx(0.5, abs=0.07)
    assert (share.groupby(level=0).mean() < 1).all()  # each code has a draw of its own
    np.testing.assert_array_equal(changed.own, exchange_crops(crops, 0).own)
    assert (changed.own != exchange_crops(crops, 1).own).any()


def test_summary_counts_hardly_any_code_after_an_exchange() -> None:
    crops = plant(np.random.default_rng(8))
    activation = np.random.default_rng(8).random(len(crops.own)) + 0.5
    nulls = []
    for seed in range(4):
        found = measure_consistency(crops, activation, 45, HALVES, CONFIG, seed, whole=seed == 0)
        assert found.summary["confirmed"] >= 9.5
        nulls.append(found.summary["null"])
        if seed:
            assert found.random is None and "consistency_random" not in found.codes
            continue
        assert found.random is not None and found.random["confirmed"] > 39
        against = found.codes["consistency_random"]
        assert found.random["mean_cosine"] == pytest.approx(against.mean())
        assert found.summary["tested"] == 40
        assert found.summary["mean_cosine"] == pytest.approx(found.codes["consistency"].mean())
        assert found.summary["median_difference"] == found.codes["difference"].median()
    assert np.mean(nulls) <= 0.05 * 10


def test_a_sprite_of_one_episode_is_not_consistent() -> None:
    """Nor is a code that shows one thing in each episode, but another in the next."""
    rng = np.random.default_rng(11)
    code, episode = np.repeat([0, 1], 4 * EPISODES), np.tile(np.repeat(np.arange(EPISODES), 4), 2)
    own, elsewhen = rng.normal(size=(2, len(code), FEATURES))
    own[code == 1] += 5 * rng.normal(size=(EPISODES, FEATURES))[episode[code == 1]]
    own[code == 0] = own[0]
    episode[code == 0] = 3
    table, _ = score(make_crops(code, episode, own, elsewhen), 2)
    assert table["consistency"].min() > table["consistency_elsewhen"].max() + 0.02
    assert not table["consistent"].any()
    assert table["confirmed"].isna().tolist() == [True, False]
    assert table["difference"].isna().tolist() == [True, False]


def test_codes_without_enough_evidence_are_not_tested() -> None:
    rng = np.random.default_rng(6)
    code = np.repeat([1, 2, 4, 5, 6], [1, 2 * EPISODES, 4, EPISODES, EPISODES])
    sprite = np.tile(rng.normal(size=FEATURES), (len(code), 1)) + 0.1 * rng.normal(size=(len(code), FEATURES))
    crops = make_crops(code, np.arange(len(code)) % EPISODES, sprite, rng.normal(size=sprite.shape))
    crops.episode[code == 2] %= 6  # so few that no division has enough of them in both halves
    crops.elsewhen[np.flatnonzero(code == 6)[: EPISODES - 4]] = -1
    table, found = score(crops, 7)
    assert np.flatnonzero(table["confirmed"].notna()).tolist() == [5]
    assert np.flatnonzero(table["consistent"]).tolist() == [5]
    assert found.summary()["tested"] == 1
    assert table["crops"].tolist() == [0, 1, 40, 0, 4, 20, 4]
    assert table["episodes"].tolist() == [0, 1, 6, 0, 4, 20, 4]
    assert table["consistency"].isna().tolist() == [True, True, False, True, False, False, False]
    assert table["difference"].notna().tolist() == [False, False, True, False, False, True, False]
    against, _ = score_random(crops, 7, HALVES, CONFIG)
    # A crop without a counterpart elsewhen has a random one.
    assert np.flatnonzero(against["random_confirmed"].notna()).tolist() == [5, 6]


def test_no_crops() -> None:
    none, vectors = np.zeros(0, np.int32), np.zeros((0, FEATURES))
    crops = make_crops(none, none, vectors, vectors)
    found = measure_consistency(crops, np.zeros(0), 3, HALVES, CONFIG, 0, whole=True)
    assert found.codes["crops"].tolist() == [0, 0, 0]
    assert found.codes[["confirmed", "difference", "consistency_random"]].isna().all(axis=None)
    assert not found.codes[["consistent", "beats_random"]].any(axis=None)
    assert found.summary["tested"] == found.summary["null"] == 0
    assert np.isnan(found.summary["mean_cosine"])


def test_activation_decides_what_counts() -> None:
    rng = np.random.default_rng(7)
    own, elsewhen = rng.normal(size=(2, 12, FEATURES))
    own[:4] = own[0]
    crops = make_crops(np.zeros(12, int), np.arange(12), own, elsewhen)
    crops.own[:4] = 0
    activation = np.array([1.0] * 4 + [1e-9] * 8)
    table, _ = score_codes(crops, activation, 1, HALVES, CONFIG, seed=0)
    assert table.loc[0, "monosemanticity"] == pytest.approx(1, abs=1e-6)
    assert table.loc[0, "consistency"] < 0.6
    assert table.loc[0, "distinct_crops"] == 9
    even, _ = score_codes(crops, 3 * np.ones(12), 1, HALVES, CONFIG, seed=0)
    assert even.loc[0, "monosemanticity"] == pytest.approx(even.loc[0, "consistency"])
