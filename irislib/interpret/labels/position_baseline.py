"""Does a code tell more about what it shows than its place does (protocol step 9)?

Much of what lies under a map follows from where the map is: the player is in the middle, the inventory
below. A label's share under a code's maps is therefore compared with what the same places hold in the
other episodes.
"""

import numpy as np

from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.labels.truth import Truth
from irislib.interpret.significance import correct, fewest_episodes, flip_test
from irislib.seeding import stream

Array = np.ndarray


def label_rates(truth: Truth, episode: Array) -> Array:
    """How often each local cell shows each label in all episodes but one, float64 [E,local,L].

    Args:
        truth: the simulator's labels.
        episode: int [T], in [0, E).

    Returns:
        NaN where there is but one episode.
    """
    episodes, local, labels = int(episode.max()) + 1, truth.view.local, len(truth.names)
    counts = np.zeros((episodes, local, labels))
    cells = np.arange(local)
    for one in np.unique(episode):
        semantic = truth.semantic[episode == one]
        index = (cells * labels + semantic).ravel()
        counts[one] = np.bincount(index, minlength=local * labels).reshape(local, labels)
    rest = counts.sum(axis=0) - counts
    with np.errstate(invalid="ignore"):
        rates: Array = rest / rest.sum(axis=2, keepdims=True)
    return rates


def expect_labels(labels: LabelMass, truth: Truth, episode: Array) -> Array:
    """The label mass of each stretch if its places showed what they show in other episodes, [S,L]."""
    rates = label_rates(truth, episode)
    expected = np.zeros_like(labels.label_mass)
    local = truth.view.local
    for one in np.unique(labels.stretch_episode):
        rows = labels.stretch_episode == one
        expected[rows] = labels.cell_mass[rows, :local] @ rates[one]
    expected[:, -1] = labels.label_mass[:, -1]  # the HUD is always where it is
    return expected


def judge_labels(
    labels: LabelMass, expected: Array, alpha: float, permutations: int, seed: int
) -> tuple[Array, Array]:
    """Tests for each code and label whether there is more of the label than the code's places explain.

    An episode contributes the difference of the label's mass under the code's maps to its expected mass,
    and is a single draw (see `flip_test`). Codes seen in too few episodes are not tested, nor are labels
    that a code never shows.

    Args:
        labels: what lies under the maps.
        expected: from `expect_labels`.
        alpha: false discovery rate; decides how few episodes are too few.
        permutations: of the signs of episodes.
        seed: of these.

    Returns:
        p- and q-values, float64 [K,L], NaN where untested; q after Benjamini and Hochberg over all that
        were tested.
    """
    p_values = np.full(labels.counts.shape, np.nan)
    stretches = np.bincount(labels.stretch_code, minlength=len(p_values))
    tested = (labels.by_code(labels.label_mass) > 0) & (stretches >= fewest_episodes(alpha))[:, None]
    excess = np.zeros((labels.stretch_episode.max(initial=-1) + 1, *tested.shape))
    excess[labels.stretch_episode, labels.stretch_code] = labels.label_mass - expected
    p_values[tested] = flip_test(excess[:, tested], permutations, stream(seed, "labels"), "labels")
    return p_values, correct(p_values.ravel()).reshape(p_values.shape)
