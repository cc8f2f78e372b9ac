"""Observations exchanged for those of other episodes: the null hypotheses of all tests (protocol step 10).

Episode f stands in for episode e: each observation of e is exchanged for the one of f that has the same
stratum and the nearest step. What follows from the place, the time, the daylight or sleep stays; what a code
says of its very observation is lost.
"""

import numpy as np
from jaxtyping import Int, Int64, Shaped, UInt8

from irislib.seeding import stream

ROUNDS = 20  # exchanges of all episodes


def exchange(
    step: Int[np.ndarray, " observations"],
    episode: Int[np.ndarray, " observations"],
    stratum: UInt8[np.ndarray, " observations"],
    of: Int[np.ndarray, " n"],
    partner: Int[np.ndarray, " n"],
) -> Int64[np.ndarray, " n"]:
    """The observations that stand in for some others.

    Args:
        step: of each observation in its episode, from 0.
        episode: of each observation.
        stratum: of each observation.
        of: observations that are exchanged.
        partner: the episode that stands in for each of their episodes.

    Returns:
        The observation of the partner with the same stratum and the nearest step, the earlier one of two; -1
        where the partner has none of that stratum.
    """
    span = int(step.max(initial=0)) + 1
    run = episode.astype(np.int64) * 256 + stratum  # one episode's observations of one stratum
    key = run * span + step
    order = np.argsort(key, kind="stable")
    ordered, runs = key[order], run[order]
    wanted_run = partner.astype(np.int64) * 256 + stratum[of]
    wanted = wanted_run * span + step[of]
    after = np.searchsorted(ordered, wanted)
    before = after - 1
    last = len(ordered) - 1
    fits_after = (after <= last) & (runs[np.minimum(after, last)] == wanted_run)
    fits_before = (before >= 0) & (runs[np.maximum(before, 0)] == wanted_run)
    far = np.iinfo(np.int64).max
    gap_after = np.where(fits_after, ordered[np.minimum(after, last)] - wanted, far)
    gap_before = np.where(fits_before, wanted - ordered[np.maximum(before, 0)], far)
    nearest = np.where(gap_before <= gap_after, before, after)
    found: np.ndarray = np.where(fits_after | fits_before, order[np.clip(nearest, 0, last)], -1)
    return found


def steps_in_episodes(episode: Int[np.ndarray, " observations"]) -> Int64[np.ndarray, " observations"]:
    """The number of each observation in its episode, from 0; observations are in the order of time."""
    order = np.argsort(episode, kind="stable")
    first = np.flatnonzero(np.diff(episode[order], prepend=-1))
    length = np.diff(np.append(first, len(order)))
    steps = np.empty(len(order), np.int64)
    steps[order] = np.arange(len(order)) - np.repeat(first, length)
    return steps


def draw_partners(episodes: int, seed: int, *purpose: Shaped[np.ndarray, ""] | str) -> Int64[np.ndarray, "rounds episodes"]:
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
