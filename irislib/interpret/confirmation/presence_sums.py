"""What stands beside a code, summed over the observations of each episode that have the code."""

import numpy as np
from jaxtyping import Bool, Shaped
from scipy import sparse

from irislib.interpret.confirmation.excess import Sums
from irislib.interpret.observations.exchange import ROUNDS
from irislib.interpret.observations.visible import Visible
from irislib.runtime import progress


def presence_sums(
    visible: Visible, presence: sparse.csr_array, values: Shaped[np.ndarray, "observations m"], desc: str
) -> Sums:
    """Sums of each value over the visible observations of an episode in which each code is present.

    Values are taken relative to their mean over all visible observations of the episode. So a code that is
    present at random moments has a sum of about 0, however much one episode has of a value, and whatever
    happens at the end of an episode (where late steps of long episodes are exchanged for last steps of short
    ones).

    Args:
        visible: which observations show the world, and what stands in for them.
        presence: [T,K] of 0 and 1.
        values: of each observation, whether or not any code is there.
        desc: text of the progress bar.

    Returns:
        K m sums, by code, then value. The exchanged ones take the values of the observations that stand in
        for those with the code; where some cannot be exchanged, the others count for all.
    """
    codes, m = presence.shape[1], values.shape[1]
    rows, code = sparse.csr_array(presence).nonzero()
    there = visible.observation[rows]
    rows, code = rows[there], code[there]
    stretch = visible.episode[rows] * codes + code
    shape = (visible.episodes * codes, len(visible.episode))
    member = sparse.csr_array((np.ones(len(rows), np.float32), (stretch, rows)), shape=shape)
    size = member.sum(axis=1)
    part = np.where(size > 0, 1, np.nan)[:, None]
    values = values.astype(np.float64)
    visible_of = sparse.csr_array(
        (visible.observation.astype(np.float64), (visible.episode, np.arange(len(visible.episode)))),
        shape=(visible.episodes, len(visible.episode)),
    )

    def centred(values: np.ndarray, known: np.ndarray) -> np.ndarray:
        number = visible_of @ known.astype(np.float64)
        mean = (visible_of @ np.where(known[:, None], values, 0)) / np.maximum(number, 1)[:, None]
        relative: np.ndarray = np.where(known[:, None], values - mean[visible.episode], 0)
        return relative

    def by_episode(sums: np.ndarray) -> np.ndarray:
        shaped: np.ndarray = sums.astype(np.float32).reshape(visible.episodes, codes * m)
        return shaped

    observed = by_episode((member @ centred(values, np.ones(len(values), bool))) * part)
    everything = np.arange(len(visible.episode))
    exchanged = np.empty((ROUNDS, *observed.shape), np.float32)
    for round_ in progress(range(ROUNDS), desc=desc, unit="round"):
        other = visible.exchanged(everything, round_)
        known = other >= 0
        drawn = centred(values[other], known)
        with np.errstate(invalid="ignore", divide="ignore"):
            whole = size / (member @ known.astype(np.float32))
        whole[~np.isfinite(whole)] = np.nan
        exchanged[round_] = by_episode((member @ drawn) * whole[:, None])
    return Sums(observed, exchanged)


def joint_sums(
    visible: Visible,
    first: Bool[np.ndarray, "observations n"],
    second: Bool[np.ndarray, "observations n"],
    desc: str,
) -> Sums:
    """Number of visible observations of each episode with two events, for n pairs of events.

    Args:
        visible: which observations show the world, and what stands in for them.
        first: whether the first event happens; an episode without it takes no part.
        second: whether the second one happens; the exchanged sums take it from observations that stand in.
        desc: text of the progress bar.
    """
    rows = np.flatnonzero(visible.observation)
    ones = np.ones(len(rows), np.float32)
    shape = (visible.episodes, len(rows))
    member = sparse.csr_array((ones, (visible.episode[rows], np.arange(len(rows)))), shape=shape)
    first = first[rows]

    def by_episode(values: np.ndarray) -> np.ndarray:
        sums: np.ndarray = member @ values.astype(np.float32)  # counts, so exact
        return sums

    size = by_episode(first)
    part = np.where(size > 0, 1, np.nan).astype(np.float32)
    exchanged = np.empty((ROUNDS, *size.shape), np.float32)
    for round_ in progress(range(ROUNDS), desc=desc, unit="round"):
        other = visible.exchanged(rows, round_)
        known = other >= 0
        drawn = second[np.maximum(other, 0)] & first & known[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            whole = size / by_episode(first & known[:, None])
        exchanged[round_] = by_episode(drawn) * np.where(np.isfinite(whole), whole, np.nan)
    return Sums(by_episode(first & second[rows]) * part, exchanged)
