"""Exchange of observations: another episode stands in for an observation's own (protocol step 10).

Everything that is not the code is kept: the place, the step, daylight and sleep. It is the null hypothesis of
all tests.
"""

import numpy as np
from jaxtyping import Int, Int64, Integer

from irislib.seeding import stream

ROUNDS = 20  # exchanges of all episodes


def exchange(
    step_in_episode: Int[np.ndarray, " t"],
    episode: Int[np.ndarray, " t"],
    stratum: Integer[np.ndarray, " t"],
    of: Int[np.ndarray, " n"],
    partner: Int[np.ndarray, " n"],
) -> Int64[np.ndarray, " n"]:
    """Exchanges observations for those of partner episodes with the same stratum and the nearest step.

    Of two observations that are equally near, the earlier is taken. An observation whose partner is its own
    episode is exchanged for itself.

    Args:
        step_in_episode: of each of T observations, not negative, different within an episode.
        episode: of each observation, not negative.
        stratum: of each observation, not negative; see `strata.read_strata`.
        of: the observations to exchange, rows of the first three.
        partner: the episode that stands in for each one's own; -1 for none.

    Returns:
        Rows of the observations that stand in; -1 where the partner lacks the stratum.
    """
    if len(episode) == 0 or len(of) == 0:
        return np.full(len(of), -1, np.int64)
    strata, steps = int(stratum.max()) + 1, int(step_in_episode.max()) + 1
    groups = (int(episode.max()) + 1) * strata
    # Observations in order of episode, stratum and step; one number says all three.
    key = (episode.astype(np.int64) * strata + stratum) * steps + step_in_episode
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    start = np.searchsorted(ordered, np.arange(groups + 2) * steps)

    group = partner.astype(np.int64) * strata + stratum[of]
    group = np.where((partner >= 0) & (group < groups), group, groups)  # the last group is empty
    first, last = start[group], start[group + 1] - 1
    found = first <= last
    wanted = group * steps + step_in_episode[of]
    later = np.searchsorted(ordered, wanted)
    earlier = np.where(found, np.maximum(later - 1, first), 0)
    later = np.where(found, np.minimum(later, last), 0)
    nearest = np.where(np.abs(wanted - ordered[earlier]) <= np.abs(ordered[later] - wanted), earlier, later)
    return np.where(found, order[nearest], -1)


def steps_in_episodes(episode: Int[np.ndarray, " t"]) -> Int64[np.ndarray, " t"]:
    """The step of each observation in its episode, from 0, where those of an episode are in order."""
    order = np.argsort(episode, kind="stable")
    step = np.empty(len(episode), np.int64)
    step[order] = np.arange(len(episode)) - np.searchsorted(episode[order], episode[order])
    return step


def draw_partners(episodes: int, seed: int, *purpose: str | int) -> Int64[np.ndarray, "rounds episodes"]:
    """For each round, another episode that stands in for each episode; each serves once a round.

    Args:
        episodes: how many there are; with one alone it stands in for itself.
        seed: the pipeline's.
        purpose: what the draw is for.
    """
    rng = stream(seed, "partners", *purpose)
    partners = np.empty((ROUNDS, episodes), np.int64)
    for row in partners:
        circle = rng.permutation(episodes)
        row[circle] = np.roll(circle, 1)
    return partners
