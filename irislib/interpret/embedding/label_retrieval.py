"""Do crops whose features are alike show the same labels of the ground truth?"""

import numpy as np
from jaxtyping import Float, Float32, Int, Real

from irislib.artifacts import Store
from irislib.interpret.embedding.windows import WindowLabels, share_labels
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.interpret.labels.truth import read_description, read_truth

COMPARED = 4096  # crops, at most; each is compared with each


def crop_shares(
    play: Store, step: Int[np.ndarray, " n"], box: Int[np.ndarray, "n 4"]
) -> Float32[np.ndarray, "n window_label"]:
    """The share of each window label among the pixels of crops; see `windows.WindowLabels`.

    Args:
        play: recorded play.
        step: the observation of each crop.
        box: (y0, x0, y1, x1) of each crop, in pixels, half open.

    Raises:
        ArtifactError: the play does not describe its world.
    """
    truth = read_truth(play)
    labels = WindowLabels.of(read_description(play), hidden=True)
    label = labels.of_boxes(truth.label[step], truth.quantity[step])
    return share_labels(label, truth.boxes.corners, box, labels)


def neighbour_overlap(
    embedding: Real[np.ndarray, "n feature"],
    shares: Float[np.ndarray, "n window_label"],
    episode: Int[np.ndarray, " n"],
) -> tuple[float, float]:
    """How much of its labels a crop shares with the crop that looks most like it, in another episode.

    Args:
        embedding: features; at most `COMPARED` crops, evenly spaced, are compared.
        shares: what the crops show.
        episode: of each crop.

    Returns:
        The overlap of each crop and its nearest neighbour (the sum over labels of the lesser of the two
        shares, in [0, 1]), averaged over crops. Then the same average over all crops of other episodes in
        place of the nearest, which is what an embedder that tells nothing apart would find. NaN with one
        episode.
    """
    few = evenly_spaced(len(embedding), COMPARED)
    vectors, shares, episode = embedding[few].astype(np.float32), shares[few], episode[few]
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found, chance = [], []
    for one in np.unique(episode):
        mine, others = np.flatnonzero(episode == one), np.flatnonzero(episode != one)
        if len(others):
            nearest = others[(units[mine] @ units[others].T).argmax(axis=1)]
            found.append(np.minimum(shares[mine], shares[nearest]).sum(axis=1))
            for row in mine:
                chance.append(np.minimum(shares[row], shares[others]).sum(axis=1).mean())
    if not found:
        return float("nan"), float("nan")
    return float(np.concatenate(found).mean()), float(np.mean(chance))
