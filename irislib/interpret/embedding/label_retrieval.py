"""How good an embedder is at telling what crops show, by the simulator's labels."""

import numpy as np

from irislib.artifacts import Store
from irislib.interpret.embedding.windows import WindowLabels, share_labels
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.interpret.labels.truth import read_truth

Array = np.ndarray

COMPARED = 4096  # compared each with each, at most


def crop_shares(play: Store, step: Array, box: Array) -> Array:
    """The share of each label among the pixels of crops, float32 [N,L]; see `windows.WindowLabels`.

    Raises:
        ArtifactError: labels or items without a name.
    """
    truth = read_truth(play)
    labels = WindowLabels(truth.names[:-1], truth.items)  # it knows the inventory in detail
    semantic = truth.semantic.reshape(-1, truth.view.rows, truth.view.columns)
    cells = labels.of_cells(semantic[step], truth.amounts[step])
    return share_labels(cells, truth.view.cell, box.astype(np.int64), labels)


def neighbour_overlap(embedding: Array, shares: Array, episode: Array) -> tuple[float, float]:
    """How much of its labels a crop shares with the crop that looks most like it, in another episode.

    Args:
        embedding: float [N,F]; at most `COMPARED` of them, spread evenly, are compared.
        shares: float32 [N,L], what the crops show.
        episode: int [N].

    Returns:
        The mean over crops of the shares that the two have in common, the sum over labels of the lesser one,
        in [0, 1]: 1 where the nearest neighbour always shows the same. Then the same for any crop of another
        episode, which is what an embedder that tells nothing apart would find. NaN with one episode.
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
