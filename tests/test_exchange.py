import numpy as np
import pytest

from irislib.interpret.observations.exchange import ROUNDS, draw_partners, exchange, steps_in_episodes
from irislib.interpret.observations.visible import Visible


def test_an_exchanged_observation_has_the_same_stratum_and_the_nearest_step() -> None:
    rng = np.random.default_rng(0)
    episode = np.repeat(np.arange(6), rng.integers(5, 30, 6))
    step = steps_in_episodes(episode)
    stratum = rng.integers(0, 3, len(episode)).astype(np.uint8)
    stratum[episode == 4] = 0
    of, partner = rng.integers(0, len(episode), 500), rng.integers(0, 6, 500)
    found = exchange(step, episode, stratum, of, partner)
    for row, other, drawn in zip(of, partner, found, strict=True):
        fits = np.flatnonzero((episode == other) & (stratum == stratum[row]))
        if len(fits):
            assert drawn == fits[np.abs(step[fits] - step[row]).argmin()]
        else:
            assert drawn == -1
    assert (found == -1).any()


def test_steps_count_in_each_episode_whatever_the_order_of_episodes() -> None:
    np.testing.assert_array_equal(steps_in_episodes(np.array([3, 3, 0, 0, 0, 7])), [0, 1, 0, 1, 2, 0])
    np.testing.assert_array_equal(steps_in_episodes(np.array([], np.int32)), [])


@pytest.mark.parametrize("episodes", [2, 3, 16])
def test_partners_are_other_episodes_and_each_serves_once(episodes: int) -> None:
    partners = draw_partners(episodes, 0)
    assert partners.shape == (ROUNDS, episodes)
    assert not (partners == np.arange(episodes)).any()
    assert (np.sort(partners, axis=1) == np.arange(episodes)).all()
    np.testing.assert_array_equal(partners, draw_partners(episodes, 0))
    assert episodes == 2 or (partners != draw_partners(episodes, 1)).any()


def test_hidden_observations_are_not_visible_and_are_exchanged_among_themselves() -> None:
    episode, stratum = np.repeat([5, 9], 4), np.array([0, 0, 2, 2, 0, 2, 2, 0], np.uint8)
    visible = Visible.of(episode, stratum, 0)
    np.testing.assert_array_equal(visible.observation, stratum != 2)
    np.testing.assert_array_equal(visible.exchanged(np.arange(8), 0), [4, 4, 6, 6, 0, 2, 2, 1])
