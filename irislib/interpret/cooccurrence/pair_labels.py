"""What two codes show in the observations that they share (docs/protocol.md, step 8)."""

import numpy as np
from jaxtyping import Int

from irislib.interpret.evidence import Maps
from irislib.interpret.labels.label_mass import LabelMass
from irislib.runtime import progress


def label_combinations(
    maps: Maps, labels: LabelMass, a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]
) -> dict[str, np.ndarray]:
    """The commonest combination of labels under the maps of two codes, over all visible observations that they share.

    Args:
        maps: which occurrence has which map.
        labels: what lies under the maps.
        a: the first codes.
        b: the second codes.

    Returns:
        Columns by name, a value for each pair: episodes (with a shared observation), label_a and label_b (the
        combination), label_share (its share of the shared observations), label_lift (that share over the
        product of the shares of the two labels, each among all maps of its code).
    """
    n = len(labels.names)
    rows = maps.nonempty_by_code
    rows = rows[labels.occurrence_label[rows] >= 0]
    step, label = maps.occurrence_step[rows], labels.occurrence_label[rows].astype(np.int64)
    starts = np.searchsorted(maps.occurrence_code[rows], np.arange(maps.codes + 1))
    commonest, episodes, share = np.zeros(len(a), np.int64), np.zeros(len(a), np.int64), np.zeros(len(a))
    for i in progress(range(len(a)), desc="labels of pairs", unit="pair"):
        of_a, of_b = (slice(starts[code], starts[code + 1]) for code in (a[i], b[i]))
        _, in_a, in_b = np.intersect1d(step[of_a], step[of_b], assume_unique=True, return_indices=True)
        counts = np.bincount(label[of_a][in_a] * n + label[of_b][in_b], minlength=n * n)
        commonest[i] = counts.argmax()
        share[i] = counts[commonest[i]] / len(in_a)
        episodes[i] = len(np.unique(maps.episode[step[of_a][in_a]]))
    names = np.array(labels.names, dtype=object)
    counts_of = labels.counts.sum(axis=0)
    of_code = counts_of / np.maximum(counts_of.sum(axis=1, keepdims=True), 1)
    label_a, label_b = np.divmod(commonest, n)
    return {
        "episodes": episodes,
        "label_a": names[label_a],
        "label_b": names[label_b],
        "label_share": share,
        "label_lift": share / (of_code[a, label_a] * of_code[b, label_b]),
    }
