"""The frames that the page shows enlarged: few, and chosen so that all labels and codes occur."""

import numpy as np
from jaxtyping import Bool, Int

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.inputs import Inputs
from irislib.report.page.explorer.occurrences import CLASSES, Occurrences

LARGEST = 96  # side of a frame on its sheet, pixels; larger frames are averaged down
INSPECTED = 100  # frames to look at, chosen by their labels
HIDDEN = 4  # of them that hide the world
PIXELS = 2**22  # of all frames on their sheets: 1,024 frames of 64 x 64 pixels
EACH = 3  # frames that every class of every code should have
PER_EPISODE = 3  # frames of an episode that are chosen for the sake of one label
APART = 12  # smallest number of rows between two frames, if there are enough
CROWDED = 0.1  # what a frame loses for each chosen frame of its episode


def frame_side(inputs: Inputs) -> int:
    """Side of a frame's cell on its sheet, pixels."""
    return min(LARGEST, max(inputs.rollouts.array("obs").shape[1:3]))


def choose_inspected(inputs: Inputs) -> Int[np.ndarray, " n"]:
    """The frames to look at: `choose_varied` among those that show the world, and a few that hide it."""
    label, hidden = inputs.rollouts.read("label"), inputs.rollouts.read("hidden")
    seen = np.zeros((len(label), len(inputs.rollouts.attrs["label_names"])), bool)
    np.put_along_axis(seen, label.astype(np.int64), True, axis=1)
    dark, visible = np.flatnonzero(hidden), np.flatnonzero(~hidden)
    dark = dark[evenly_spaced(len(dark), HIDDEN)]
    episode = inputs.rollouts.read("episode")[visible]
    varied = visible[choose_varied(seen[visible], episode, INSPECTED - len(dark))]
    return np.sort(np.concatenate([dark, varied]))


def choose_varied(
    seen: Bool[np.ndarray, "step label"], episode: Int[np.ndarray, " step"], wanted: int
) -> Int[np.ndarray, " n"]:
    """Frames that together show every label, the rare ones about as often as the common ones.

    Again and again, the label that the fewest chosen frames show is taken, the rarer one first if several are
    equal. Of the frames that show it, the one is chosen that shows the most labels which few chosen frames
    show; a frame of an episode that already has chosen frames counts less. Frames look like the frames just
    before and after them, so these are passed over; a label is done with after `PER_EPISODE` frames for each
    episode that shows it.

    Returns:
        at most `wanted` different rows, ascending, int64.
    """
    total, shown = seen.sum(axis=0), np.zeros(seen.shape[1], int)
    episodes = np.array([len(np.unique(episode[column])) for column in seen.T])
    free, taken = np.ones(len(seen), bool), np.zeros(int(episode.max(initial=0)) + 1, int)
    apart = min(APART, len(seen) // (2 * wanted))
    chosen: list[int] = []
    while len(chosen) < min(wanted, len(seen)):
        left = (seen & free[:, None]).any(axis=0) & (shown < PER_EPISODE * episodes)
        if not left.any():
            break
        label = min(np.flatnonzero(left), key=lambda one: (shown[one], total[one], one))
        gain = (seen / (1 + shown)).sum(axis=1) - CROWDED * taken[episode]
        best = int(np.where(seen[:, label] & free, gain, -np.inf).argmax())
        chosen.append(best)
        free[max(0, best - apart) : best + apart + 1] = False
        shown += seen[best]
        taken[episode[best]] += 1
    return np.sort(np.array(chosen, np.int64))


def choose_pool(
    occurrences: Occurrences, first: Int[np.ndarray, " m"], steps: int, most: int
) -> Int[np.ndarray, " n"]:
    """Frames in which every class of map strength of every code occurs `EACH` times, as far as it occurs.

    A greedy cover: each next frame is the one with the most occurrences that are still wanted, the earliest
    if several are equal.

    Args:
        first: frames that are in the pool in any case.
        steps: number of observations.
        most: largest number of frames, unless `first` has more.

    Returns:
        the frames, ascending, int64.
    """
    group = occurrences.code.astype(np.int64) * len(CLASSES) + occurrences.kind
    wanted = np.minimum(np.bincount(group), EACH)
    free = np.ones(steps, bool)
    order = np.argsort(occurrences.step, kind="stable")
    start = np.searchsorted(occurrences.step[order], np.arange(steps + 1))
    chosen: list[int] = []

    def take(step: int) -> None:
        chosen.append(step)
        free[step] = False
        mine = group[order[start[step] : start[step + 1]]]
        wanted[mine] = np.maximum(wanted[mine] - 1, 0)

    for step in first:
        take(int(step))
    while len(chosen) < most:
        gain = np.bincount(occurrences.step, wanted[group] > 0, steps) * free
        if not gain.any():
            break
        take(int(gain.argmax()))
    return np.sort(np.array(chosen, np.int64))
