import numpy as np
import pytest

from irislib.interpret.consistency import correct, mean_pairwise_cosine, score_codes, sign_flip_test
from irislib.interpret.evidence import Crops

FEATURES = 32


def unit(vectors: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled


def brute_force(units: np.ndarray) -> float:
    n = len(units)
    return float(np.mean([units[i] @ units[j] for i in range(n) for j in range(n) if i != j]))


def make_crops(code: np.ndarray, episode: np.ndarray, own: np.ndarray, random: np.ndarray) -> Crops:
    """Crops whose embeddings are the rows of `own`, then those of `random`, all distinct."""
    n = len(code)
    rows = np.arange(2 * n, dtype=np.int32)
    embedding = np.concatenate([own, random]).astype(np.float16)
    return Crops(n, code, np.arange(n), episode, rows[:n], rows[n:], embedding)


@pytest.mark.parametrize("n", [2, 3, 17])
def test_closed_form_equals_brute_force(n: int) -> None:
    units = unit(np.random.default_rng(n).normal(0.3, 1, (n, FEATURES)))
    assert mean_pairwise_cosine(units) == pytest.approx(brute_force(units), abs=1e-12)


def test_identical_vectors_agree_fully_and_one_vector_is_undefined() -> None:
    one = unit(np.ones((1, FEATURES)))
    assert mean_pairwise_cosine(one.repeat(7, 0)) == pytest.approx(1)
    assert np.isnan(mean_pairwise_cosine(one))
    assert np.isnan(mean_pairwise_cosine(one[:0]))


def test_linear_statistic_counts_like_swapping_the_vectors_themselves() -> None:
    rng = np.random.default_rng(1)
    own, random = unit(rng.normal(0.3, 1, (9, FEATURES))), unit(rng.normal(0, 1, (9, FEATURES)))
    p, effect = sign_flip_test(own, random, 199, np.random.default_rng(5))
    keeps = np.random.default_rng(5).integers(0, 2, size=(199, 9)).astype(bool)[..., None]
    differences = [
        brute_force(np.where(keep, own, random)) - brute_force(np.where(keep, random, own)) for keep in keeps
    ]
    observed = brute_force(own) - brute_force(random)
    assert 0.01 < p < 0.9
    assert p == (1 + np.sum(np.array(differences) >= observed - 1e-12)) / 200
    # The null's spread is known exactly; the drawn one is near it.
    assert effect == pytest.approx(observed / np.std(differences) / 3, rel=0.2)


def test_p_values_are_uniform_under_the_null() -> None:
    rng = np.random.default_rng(2)
    draws = unit(rng.normal(0.2, 1, (1000, 2, 12, FEATURES)))
    p_values = np.array([sign_flip_test(own, random, 99, rng)[0] for own, random in draws])
    for level in (0.05, 0.25, 0.5, 0.75):
        assert np.mean(p_values <= level) == pytest.approx(level, abs=0.05)


@pytest.mark.parametrize("n", [2, 6])
def test_nothing_is_found_where_nothing_differs(n: int) -> None:
    same = unit(np.random.default_rng(3).normal(size=(n, FEATURES)))
    assert sign_flip_test(same, same, 99, np.random.default_rng(0)) == (1.0, 0.0)


def test_three_crops_cannot_be_very_significant() -> None:
    rng = np.random.default_rng(8)
    own = unit(np.ones((3, FEATURES)) + 0.01 * rng.normal(size=(3, FEATURES)))
    p, _ = sign_flip_test(own, unit(rng.normal(size=(3, FEATURES))), 999, rng)
    assert p == pytest.approx(1 / 8, abs=0.04)


def test_consistent_codes_beat_their_random_crops_however_lax_alpha_is() -> None:
    rng = np.random.default_rng(9)
    code = np.repeat(np.arange(20), 8)
    crops = make_crops(code, np.arange(len(code)) % 3, *rng.normal(size=(2, len(code), FEATURES)))
    table = score_codes(crops, 20, seed=0, alpha=0.999, permutations=99, min_crops=5)
    passed = table["q_value"] <= 0.999
    better = table["consistency"] > table["consistency_random"]
    assert (passed & ~better).any()
    assert (table["consistent"] == (passed & better)).all()


def test_benjamini_hochberg_by_hand_and_untested_codes_do_not_count() -> None:
    p_values = np.array([0.01, np.nan, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(correct(p_values), [0.02, np.nan, 0.04, 0.04, 0.02])
    assert np.isnan(correct(np.full(3, np.nan))).all()


def test_planted_code_is_found_and_random_ones_are_not() -> None:
    rng = np.random.default_rng(4)
    code = np.repeat(np.arange(1, 21), 20)
    own, random = rng.normal(size=(2, len(code), FEATURES))
    own[code == 7] += 3 * rng.normal(size=FEATURES)
    crops = make_crops(code, np.arange(len(code)) % 3, own, random)
    table = score_codes(crops, 30, seed=0, alpha=0.05, permutations=999, min_crops=5)
    assert len(table) == 30
    assert list(np.flatnonzero(table["consistent"])) == [7]
    assert table.loc[7, "effect_size"] > 0.8
    assert table.loc[7, "consistency"] == pytest.approx(
        brute_force(crops.units(crops.own[code == 7])), abs=1e-9
    )
    again = score_codes(crops, 30, seed=0, alpha=0.05, permutations=999, min_crops=5)
    assert table.equals(again)


def test_codes_without_enough_evidence_are_not_tested() -> None:
    rng = np.random.default_rng(6)
    code = np.array([1] + [2] * 9 + [3] * 9 + [4] * 4 + [5] * 9)
    own = np.tile(rng.normal(size=FEATURES), (len(code), 1)) + 0.01 * rng.normal(size=(len(code), FEATURES))
    crops = make_crops(code, np.arange(len(code)) % 2, own, rng.normal(size=own.shape))
    crops.episode[code == 2] = 0
    crops.own[code == 3] = crops.own[code == 3][0]
    table = score_codes(crops, 6, seed=0, alpha=0.5, permutations=99, min_crops=5)
    assert list(table["p_value"].notna()) == [False, False, False, False, False, True]
    assert list(np.flatnonzero(table["consistent"])) == [5]
    assert list(table["crops"]) == [0, 1, 9, 9, 4, 9]
    assert list(table["distinct_crops"]) == [0, 1, 9, 1, 4, 9]
    assert list(table["episodes"]) == [0, 1, 1, 2, 2, 2]
    assert table["consistency"].isna().tolist() == [True, True, False, False, False, False]
    assert table.loc[3, "consistency"] == pytest.approx(1)
