"""What the simulator says is in the cells of the tokens, wherever their maps are (protocol step 9)."""

import numpy as np

from irislib.artifacts import Store
from irislib.interpret.labels.truth import Truth
from irislib.runtime import progress
from irislib.seeding import stream

Array = np.ndarray

ROWS = 4096  # observations at once


def label_tokens(rollouts: Store, truth: Truth, codes: int, seed: int) -> tuple[Array, Array]:
    """The label of each token: the one with most of the pixels of its position in the frame.

    Args:
        rollouts: recorded play.
        truth: its labels.
        codes: K.
        seed: of the exchange of observations.

    Returns:
        int64 [K,L], tokens by code and label; and the same had every observation the labels of another
        one, drawn at random: what the tokens' places alone tell.
    """
    steps, *grid = rollouts.array("token").shape
    patches = truth.view.patches(tuple(grid))
    other = stream(seed, "tokens", "elsewhen").permutation(steps)
    counts = np.zeros((2, codes, len(truth.names)), np.int64)
    for start in progress(range(0, steps, ROWS), desc="tokens", unit="block"):
        token = rollouts.read("token", slice(start, start + ROWS)).reshape(-1, len(patches))
        step = np.arange(start, start + len(token))
        for place, patch in enumerate(patches):
            pixels = np.broadcast_to(patch, (len(step), len(patch)))
            for kind, at in enumerate((step, other[step])):
                label = truth.by_label(pixels, at).argmax(axis=1)
                np.add.at(counts[kind], (token[:, place], label), 1)
    return counts[0], counts[1]
