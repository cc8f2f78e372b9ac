import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from irislib.interpret.consistency.codes import score_codes
from irislib.interpret.consistency.comparison import Comparison, mean_pairwise_cosine, swap_test
from irislib.interpret.evidence import Crops
from irislib.interpret.metrics_config import MetricsConfig

FEATURES = 32


def unit(vectors: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled


def brute_force(units: np.ndarray) -> float:
    n = len(units)
    return float(np.mean([units[i] @ units[j] for i in range(n) for j in range(n) if i != j]))


def brute_force_across(units: np.ndarray, episode: np.ndarray) -> float:
    pairs = itertools.permutations(range(len(units)), 2)
    return float(np.mean([units[i] @ units[j] for i, j in pairs if episode[i] != episode[j]]))


def make_crops(code: np.ndarray, episode: np.ndarray, own: np.ndarray, random: np.ndarray) -> Crops:
    """Crops whose embeddings are the rows of `own`, then those of `random`, all distinct."""
    n = len(code)
    rows = np.arange(2 * n, dtype=np.int32)
    embedding = np.concatenate([own, random]).astype(np.float16)
    box = np.tile(np.array([0, 0, 1, 1]), (n, 1))
    return Crops(n, code, np.arange(n), episode, box, rows[:n], rows[n:], rows[n:], embedding)


def make_config(alpha: float = 0.05, permutations: int = 999, min_crops: int = 5) -> MetricsConfig:
    return MetricsConfig(
        alpha, permutations, min_crops, min_pair_count=1, min_set_share=0.0, max_set_size=4, psnr_frames=1
    )


def score(crops: Crops, codes: int, alpha: float = 0.05) -> pd.DataFrame:
    return score_codes(crops, np.ones(len(crops.own)), codes, make_config(alpha), seed=0)


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


def test_comparison_counts_like_swapping_the_crops_of_whole_episodes() -> None:
    rng = np.random.default_rng(1)
    episode = rng.permutation(np.repeat(np.arange(7) * 3, [1, 2, 3, 1, 4, 1, 2]))
    own, random = unit(rng.normal(0.3, 1, (14, FEATURES))), unit(rng.normal(0, 1, (14, FEATURES)))
    compared = Comparison.of(own, random, episode)

    def difference(keeps: np.ndarray) -> float:
        keep = keeps[episode // 3][:, None]
        first, second = np.where(keep, own, random), np.where(keep, random, own)
        return brute_force_across(first, episode) - brute_force_across(second, episode)

    every = np.array([difference(np.array(keeps)) for keeps in itertools.product((True, False), repeat=7)])
    assert compared.difference == pytest.approx(every[0], abs=1e-12)
    p_value = swap_test({4: compared}, 500, rng, "test")[4]
    assert 0.01 < p_value < 0.9
    assert p_value == np.mean(every >= every[0] - 1e-12)
    assert compared.effect_size == pytest.approx(every[0] / every.std() / np.sqrt(7))


def test_bootstrap_equals_drawing_episodes_anew() -> None:
    rng = np.random.default_rng(2)
    episode = np.repeat(np.arange(6), 2)
    own, random = unit(rng.normal(0.4, 1, (12, FEATURES))), unit(rng.normal(0.2, 1, (12, FEATURES)))
    compared = Comparison.of(own, random, episode)
    low, high = compared.interval(np.random.default_rng(3))
    assert low < compared.difference < high
    drawn = np.random.default_rng(3).multinomial(6, np.full(6, 1 / 6), size=999)
    cosines = own @ own.T - random @ random.T
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
        compared = Comparison.of(own, unit(rng.normal(size=(25, FEATURES))), np.arange(25))
        low, high = compared.interval(rng)
        covered.append((low, high))
    many = unit(rng.normal(size=(20000, FEATURES)) + 0.8)
    truth = mean_pairwise_cosine(many)
    assert 0.85 <= np.mean([low <= truth <= high for low, high in covered]) <= 0.99


@pytest.mark.parametrize("alike", [False, True])
def test_p_values_are_uniform_under_the_null(alike: bool) -> None:
    """Also where the crops of an episode are near copies of each other, as neighbouring frames are."""
    rng = np.random.default_rng(5)
    episode = np.repeat(np.arange(9), 3)
    compared = {}
    for i in range(500):
        own, random = rng.normal(0.2, 1, (2, 27, FEATURES))
        if alike:
            own, random = (
                0.1 * noise + rng.normal(0.2, 1, (9, FEATURES))[episode] for noise in (own, random)
            )
        compared[i] = Comparison.of(unit(own), unit(random), episode)
    p_values = swap_test(compared, 512, rng, "test")
    # 500 uniform numbers stay below this distance but once in 10,000 times.
    assert kstest(p_values, "uniform").statistic < 0.1
    assert np.mean(p_values <= 0.05) < 0.09


def test_consistent_codes_have_an_interval_above_zero_however_lax_alpha_is() -> None:
    rng = np.random.default_rng(9)
    code = np.repeat(np.arange(20), 8)
    own, random = rng.normal(size=(2, len(code), FEATURES))
    own[code < 10] += 2
    table = score(make_crops(code, np.arange(len(code)) % 4, own, random), 20, alpha=0.999)
    passed, above = table["q_value"] <= 0.999, table["difference_low"] > 0
    assert (passed & ~above).any()
    assert (passed & above).any()
    assert (table["consistent"] == (passed & above)).all()


def test_planted_sprite_is_found_and_random_codes_are_not() -> None:
    """Code 7 always shows much the same; code 8 one and the same sprite, pixel by pixel, in every episode."""
    rng = np.random.default_rng(4)
    code = np.repeat(np.arange(1, 21), 20)
    own, random = rng.normal(size=(2, len(code), FEATURES))
    own[code == 7] += 3 * rng.normal(size=FEATURES)
    crops = make_crops(code, np.arange(len(code)) % 10, own, random)
    crops.own[code == 8] = crops.own[code == 8][0]
    table = score(crops, 30)
    assert len(table) == 30
    assert list(np.flatnonzero(table["consistent"])) == [7, 8]
    assert table.loc[7, "effect_size"] > 0.8
    assert 0 < table.loc[7, "difference_low"] < table.loc[7, "difference"] < table.loc[7, "difference_high"]
    assert table.loc[8, "distinct_crops"] == 1
    assert table.loc[7, "consistency"] == pytest.approx(
        brute_force(crops.units(crops.own[code == 7])), abs=1e-9
    )
    assert table.equals(score(crops, 30))


def test_a_sprite_of_one_episode_is_not_consistent() -> None:
    """Nor is a code that shows one thing in each episode, but another in the next."""
    rng = np.random.default_rng(11)
    code, episode = np.repeat([0, 1], 40), np.tile(np.repeat(np.arange(8), 5), 2)
    own, random = rng.normal(size=(2, len(code), FEATURES))
    own[code == 1] = 5 * rng.normal(size=(8, FEATURES))[episode[code == 1]] + own[code == 1]
    own[code == 0] = own[0]
    episode[code == 0] = 3
    table = score(make_crops(code, episode, own, random), 2)
    assert table["consistency"].min() > table["consistency_random"].max() + 0.05
    assert not table["consistent"].any()
    assert list(table["untested"]) == ["too few episodes", ""]


def test_codes_without_enough_evidence_are_not_tested() -> None:
    rng = np.random.default_rng(6)
    code = np.array([1] + [2] * 9 + [4] * 4 + [5] * 9)
    own = np.tile(rng.normal(size=FEATURES), (len(code), 1)) + 0.01 * rng.normal(size=(len(code), FEATURES))
    crops = make_crops(code, np.arange(len(code)) % 5, own, rng.normal(size=own.shape))
    crops.episode[code == 2] %= 4
    table = score(crops, 6)
    assert list(table["untested"]) == ["too few crops"] * 2 + ["too few episodes"] + ["too few crops"] * 2 + [
        ""
    ]
    assert list(table["p_value"].notna()) == [False] * 5 + [True]
    assert list(table["difference_low"].notna()) == [False] * 5 + [True]
    assert list(np.flatnonzero(table["consistent"])) == [5]
    assert list(table["crops"]) == [0, 1, 9, 0, 4, 9]
    assert list(table["episodes"]) == [0, 1, 4, 0, 4, 5]
    assert table["consistency"].isna().tolist() == [True, True, False, True, False, False]


def test_activation_decides_what_counts() -> None:
    rng = np.random.default_rng(7)
    own, random = rng.normal(size=(2, 12, FEATURES))
    own[:4] = own[0]
    crops = make_crops(np.zeros(12, int), np.arange(12), own, random)
    activation = np.array([1.0] * 4 + [1e-9] * 8)
    table = score_codes(crops, activation, 1, make_config(), seed=0)
    assert table.loc[0, "monosemanticity"] == pytest.approx(1, abs=1e-6)
    assert table.loc[0, "consistency"] < 0.6
    even = score_codes(crops, 3 * np.ones(12), 1, make_config(), seed=0)
    for kind in ("", "_random"):
        assert even.loc[0, f"monosemanticity{kind}"] == pytest.approx(even.loc[0, f"consistency{kind}"])
