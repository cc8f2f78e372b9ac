"""The exchange of observations, against a loop over all of them."""

import time

import numpy as np
import pytest

from irislib.interpret.exchange import exchange, steps_in_episodes


def by_hand(step: np.ndarray, episode: np.ndarray, stratum: np.ndarray, of: int, partner: int) -> int:
    candidates = np.flatnonzero((episode == partner) & (stratum == stratum[of]))
    if len(candidates) == 0:
        return -1
    distance = np.abs(step[candidates] - step[of])
    nearest = candidates[distance == distance.min()]
    return int(nearest[np.argmin(step[nearest])])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("strata", [1, 3])
def test_it_is_the_nearest_observation_of_the_partner_in_the_same_stratum(seed: int, strata: int) -> None:
    rng = np.random.default_rng(seed)
    episode = np.sort(rng.choice([0, 1, 2, 5], 60)).astype(np.int32)  # lengths differ, 3 and 4 do not exist
    stratum = rng.integers(0, strata, 60).astype(np.uint8)
    stratum[episode == 1] = 0
    step = steps_in_episodes(episode)
    of, partner = rng.integers(0, 60, 400), rng.integers(-1, 8, 400)
    found = exchange(step, episode, stratum, of, partner)
    expected = [by_hand(step, episode, stratum, *row) for row in zip(of, partner, strict=True)]
    np.testing.assert_array_equal(found, expected)
    assert (found < 0).any()
    assert (found >= 0).any()


def test_observations_may_lie_in_any_order() -> None:
    rng = np.random.default_rng(0)
    episode, stratum = np.repeat([0, 1, 2], 20), rng.integers(0, 2, 60)
    step, shuffled = steps_in_episodes(episode), rng.permutation(60)
    of, partner = np.arange(60), rng.integers(0, 3, 60)
    rows = exchange(step, episode, stratum, of, partner)
    again = exchange(step[shuffled], episode[shuffled], stratum[shuffled], np.argsort(shuffled)[of], partner)
    np.testing.assert_array_equal(np.where(again < 0, -1, shuffled[again]), rows)


def test_an_episode_stands_in_for_itself_unchanged() -> None:
    episode = np.repeat([0, 1, 2], [5, 9, 2])
    stratum = np.arange(16) % 3
    step = steps_in_episodes(episode)
    np.testing.assert_array_equal(step, [*range(5), *range(9), *range(2)])
    np.testing.assert_array_equal(exchange(step, episode, stratum, np.arange(16), episode), np.arange(16))


def test_nothing_is_exchanged_for_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert exchange(none, none, none, none, none).shape == (0,)
    assert steps_in_episodes(none).shape == (0,)
    np.testing.assert_array_equal(steps_in_episodes(np.array([4, 7, 4, 7, 7])), [0, 0, 1, 1, 2])
    one = np.zeros(1, np.int64)
    np.testing.assert_array_equal(exchange(one, one, one, one, one - 1), [-1])


def test_a_million_observations_take_a_moment() -> None:
    rng = np.random.default_rng(0)
    episode = np.sort(rng.integers(0, 64, 11_000))
    step, stratum = steps_in_episodes(episode), rng.integers(0, 3, 11_000)
    of, partner = rng.integers(0, 11_000, 10**6), rng.integers(0, 64, 10**6)
    begin = time.process_time()
    exchange(step, episode, stratum, of, partner)
    assert time.process_time() - begin < 2
