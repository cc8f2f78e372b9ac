"""Recorded play in memory: the frames of some episodes, and their truth."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int, UInt8

from irislib.artifacts import Store
from irislib.interpret.labels.truth import Truth, read_truth
from irislib.interpret.observations.strata import read_strata
from irislib.interpret.observations.visible import Visible
from irislib.tokenizers.context import Context, past_of, take


@dataclass(frozen=True)
class Recording:
    """T observations of whole episodes.

    Attributes:
        frames: what was seen.
        truth: what the world says of it.
        visible: which observations show the world, and what stands in for each.
        context: what came before the observations, for a tokenizer that needs it.
    """

    frames: UInt8[np.ndarray, "t y x 3"]
    truth: Truth
    visible: Visible
    context: Context | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def past(self, steps: Int[np.ndarray, " n"]) -> Context | None:
        """The context of some of the observations."""
        return take(self.context, steps)


def read_recording(
    rollouts: Store, episodes: Int[np.ndarray, " n"], seed: int, context_length: int = 0
) -> Recording:
    """The observations of some episodes of recorded play, in order.

    Args:
        rollouts: recorded play, of any player; its tokens are not read.
        episodes: numbers of the episodes.
        seed: of the draw of which episode stands in for which.
        context_length: of the tokenizer that will be measured.

    Raises:
        ArtifactError: an array cannot be read or is damaged, or the labels do not fit the world.
    """
    episode = rollouts.read("episode")
    rows = np.flatnonzero(np.isin(episode, episodes))
    truth = _truth_of(read_truth(rollouts), rows)
    visible = Visible.of(episode[rows], read_strata(rollouts)[rows], seed)
    context = past_of(rollouts.read, rows, context_length)
    return Recording(rollouts.read("obs", rows), truth, visible, context)


def thin(recording: Recording, most: int) -> Recording:
    """Every n-th observation of every episode, the smallest n that leaves about `most` at most.

    Args:
        recording: some episodes.
        most: observations.
    """
    visible = recording.visible
    every = max(1, -(-len(recording) // most))
    rows = np.flatnonzero(visible.step % every == 0)
    kept = replace(
        visible,
        observation=visible.observation[rows],
        episode=visible.episode[rows],
        step=visible.step[rows] // every,
        stratum=visible.stratum[rows],
    )
    return Recording(recording.frames[rows], _truth_of(recording.truth, rows), kept, recording.past(rows))


def _truth_of(truth: Truth, rows: Int[np.ndarray, " t"]) -> Truth:
    """The truth of some observations."""
    return replace(truth, label=truth.label[rows], quantity=truth.quantity[rows])
