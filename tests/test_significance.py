import itertools

import numpy as np
import pytest
from scipy.stats import kstest

from irislib.interpret.significance import correct, fewest_episodes, flip_scores, flip_test


def every_sign(contributions: np.ndarray) -> np.ndarray:
    """Sums under every choice of signs, [2^E,n]."""
    signs = itertools.product((-1, 1), repeat=len(contributions))
    return np.array([np.array(sign) @ contributions for sign in signs])


def test_few_episodes_are_tested_with_every_sign() -> None:
    rng = np.random.default_rng(0)
    contributions = rng.normal(0.4, 1, (7, 5))
    sums = every_sign(contributions)
    expected = (sums >= contributions.sum(axis=0) - 1e-12).mean(axis=0)
    assert expected.min() < 0.1 < expected.max()
    np.testing.assert_allclose(flip_test(contributions, 200, rng, "test"), expected)
    np.testing.assert_allclose(flip_scores(contributions.T), contributions.sum(axis=0) / sums.std(axis=0))


def test_drawn_signs_come_near_to_every_sign() -> None:
    rng = np.random.default_rng(1)
    contributions = rng.normal(0.3, 1, (10, 6))
    np.testing.assert_allclose(
        flip_test(contributions, 1000, rng, "drawn"), flip_test(contributions, 1024, rng, "every"), atol=0.05
    )


@pytest.mark.parametrize("permutations", [300, 5000])
def test_blocks_change_nothing_nor_do_episodes_without_a_part(
    permutations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    contributions = np.random.default_rng(5).normal(0.5, 1, (12, 4))
    contributions[:5, 2] = 0
    whole = flip_test(contributions, permutations, np.random.default_rng(6), "test")
    if permutations > 2**12:
        alone = flip_test(contributions[5:, 2:3], permutations, np.random.default_rng(6), "test")
        assert whole[2] == alone[0] >= 2.0**-7
    monkeypatch.setattr("irislib.interpret.significance.BLOCK", 12 * 7)
    again = flip_test(contributions, permutations, np.random.default_rng(6), "test")
    np.testing.assert_array_equal(again, whole)
    assert flip_test(contributions[:, :0], permutations, np.random.default_rng(6), "test").shape == (0,)


def test_p_values_are_uniform_under_the_null() -> None:
    rng = np.random.default_rng(2)
    p_values = np.array([flip_test(part, 499, rng, "test")[0] for part in rng.normal(size=(800, 14, 1))])
    # Four times the distance that 800 uniform numbers keep on average.
    assert kstest(p_values, "uniform").statistic < 0.08
    assert np.mean(p_values <= 0.01) < 0.025


def test_frames_of_an_episode_count_as_one_draw() -> None:
    """Sixty alike frames in six episodes: flipped one by one they would be hugely significant."""
    rng = np.random.default_rng(3)
    episode = np.repeat(np.arange(6), 10)
    wrong, right = [], []
    for _ in range(300):
        frames = rng.normal(size=6)[episode] + 0.1 * rng.normal(size=60)
        wrong.append(flip_test(frames[:, None], 199, rng, "test")[0])
        right.append(flip_test(np.bincount(episode, weights=frames)[:, None], 199, rng, "test")[0])
    assert np.mean(np.array(wrong) <= 0.05) > 0.2
    assert np.mean(np.array(right) <= 0.05) <= 0.08


def test_nothing_is_found_where_nothing_differs() -> None:
    rng = np.random.default_rng(4)
    for episodes in (3, 30):
        assert flip_test(np.zeros((episodes, 1)), 99, rng, "test") == 1
    assert flip_scores(np.zeros((2, 4))).tolist() == [0, 0]


@pytest.mark.parametrize(("alpha", "episodes"), [(0.05, 5), (0.01, 7), (0.25, 2), (0.999, 2)])
def test_fewer_episodes_cannot_reach_alpha(alpha: float, episodes: int) -> None:
    assert fewest_episodes(alpha) == episodes
    assert 2.0**-episodes <= alpha
    assert episodes == 2 or 2.0 ** -(episodes - 1) > alpha


def test_benjamini_hochberg_by_hand_and_untested_hypotheses_do_not_count() -> None:
    p_values = np.array([0.01, np.nan, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(correct(p_values), [0.02, np.nan, 0.04, 0.04, 0.02])
    assert np.isnan(correct(np.full(3, np.nan))).all()
