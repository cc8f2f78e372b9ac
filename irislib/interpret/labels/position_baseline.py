"""Do a code's maps show more of a label than their places explain (protocol step 9)?

Much of what lies under a map follows from where the map is: the player may always stand in the middle of
the frame, a display below. The mass of a label under a code's maps is therefore compared with what the same
rectangles hold in the other episodes.
"""

import numpy as np
from jaxtyping import Float, Float64, Int

from irislib.interpret.labels.label_mass import LabelMass
from irislib.interpret.labels.truth import Truth
from irislib.interpret.significance import correct, fewest_episodes, flip_test
from irislib.seeding import stream


def label_rates(
    truth: Truth, episode: Int[np.ndarray, " step"]
) -> Float64[np.ndarray, "episode world_box label"]:
    """How often each rectangle of the world has each label in all episodes but one.

    Args:
        truth: labels of the play.
        episode: of each observation, from 0.

    Returns:
        NaN where there is but one episode.
    """
    episodes, world, labels = int(episode.max()) + 1, truth.boxes.world, len(truth.names)
    counts = np.zeros((episodes, world, labels))
    boxes = np.arange(world)
    for one in np.unique(episode):
        index = (boxes * labels + truth.label[episode == one]).ravel()
        counts[one] = np.bincount(index, minlength=world * labels).reshape(world, labels)
    rest = counts.sum(axis=0) - counts
    with np.errstate(invalid="ignore"):
        rates: np.ndarray = rest / rest.sum(axis=2, keepdims=True)
    return rates


def expect_labels(
    labels: LabelMass, truth: Truth, episode: Int[np.ndarray, " step"]
) -> Float64[np.ndarray, "stretch label"]:
    """The label mass of each stretch, had each rectangle the labels that it has in the other episodes.

    Args:
        labels: what lies under the maps.
        truth: labels of the play.
        episode: of each observation, from 0.
    """
    rates = label_rates(truth, episode)
    expected = np.zeros_like(labels.label_mass)
    world = truth.boxes.world
    for one in np.unique(labels.stretch_episode):
        rows = labels.stretch_episode == one
        expected[rows] = labels.box_mass[rows, :world] @ rates[one]
    expected[:, -1] = labels.label_mass[:, -1]  # the display is always where it is
    return expected


def judge_labels(
    labels: LabelMass,
    expected: Float[np.ndarray, "stretch label"],
    alpha: float,
    permutations: int,
    seed: int,
) -> tuple[Float64[np.ndarray, "code label"], Float64[np.ndarray, "code label"]]:
    """Tests for each code and label whether there is more of the label than the code's places explain.

    Sign-flip test by whole episodes (see `flip_test`). An episode contributes the mass of the label under the
    code's maps minus its expected mass. Codes seen in too few episodes are not tested, nor are labels that
    a code never shows.

    Args:
        labels: what lies under the maps.
        expected: from `expect_labels`.
        alpha: false discovery rate; decides how few episodes are too few.
        permutations: random sign vectors.
        seed: of these.

    Returns:
        p-values and q-values, NaN where untested; q after Benjamini and Hochberg over all tests.
    """
    p_values = np.full(labels.counts.shape, np.nan)
    stretches = np.bincount(labels.stretch_code, minlength=len(p_values))
    tested = (labels.by_code(labels.label_mass) > 0) & (stretches >= fewest_episodes(alpha))[:, None]
    excess = np.zeros((labels.stretch_episode.max(initial=-1) + 1, *tested.shape))
    excess[labels.stretch_episode, labels.stretch_code] = labels.label_mass - expected
    p_values[tested] = flip_test(excess[:, tested], permutations, stream(seed, "labels"), "labels")
    return p_values, correct(p_values.ravel()).reshape(p_values.shape)
