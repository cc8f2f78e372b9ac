"""What the ground truth says is in the patch of each token, wherever its map is (protocol step 9)."""

import numpy as np
from jaxtyping import Int64

from irislib.artifacts import Store
from irislib.interpret.labels.truth import Truth
from irislib.runtime import progress
from irislib.seeding import stream

ROWS = 4096  # observations at once


def label_tokens(
    rollouts: Store, truth: Truth, codes: int, seed: int
) -> tuple[Int64[np.ndarray, "code label"], Int64[np.ndarray, "code label"]]:
    """Gives each token the label with the largest area of the token's patch of the frame.

    Args:
        rollouts: recorded play.
        truth: its labels.
        codes: of the codebook.
        seed: of the random exchange of observations.

    Returns:
        Tokens by code and label; and the same, had every observation the labels of another one, drawn at
        random: what the tokens' places alone tell.
    """
    steps, *grid = rollouts.array("token").shape
    patches = truth.boxes.patches(tuple(grid))
    other = stream(seed, "tokens", "elsewhen").permutation(steps)
    counts = np.zeros((2, codes, len(truth.names)), np.int64)
    for start in progress(range(0, steps, ROWS), desc="tokens", unit="block"):
        token = rollouts.read("token", slice(start, start + ROWS)).reshape(-1, len(patches))
        step = np.arange(start, start + len(token))
        for place, patch in enumerate(patches):
            area = np.broadcast_to(patch, (len(step), len(patch)))
            for kind, at in enumerate((step, other[step])):
                label = truth.by_label(area, at).argmax(axis=1)
                np.add.at(counts[kind], (token[:, place], label), 1)
    return counts[0], counts[1]
