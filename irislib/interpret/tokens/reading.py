"""How many codes must be read to know a label: superposition at scale (docs/protocol.md, step 12)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from irislib.interpret.tokens.labelled_tokens import LabelledTokens
from irislib.interpret.tokens.token_agreement import nanmean

SIZES = (1, 2, 4, 8)  # most codes in a set
READ = 0.9  # F1 from which on a label counts as read


@dataclass(frozen=True)
class Reading:
    """How well "one of these codes stands here" tells that a label does.

    Attributes:
        f1: by label and by most codes in a set (`SIZES`, as text), on other episodes than the choice.
        always: F1 by label of saying that the label stands everywhere.
        coverage: by most codes, the share of all tokens whose label is read with an F1 of at least `READ`.
        left_out: labels with too few tokens or episodes.
    """

    f1: dict[str, dict[str, float]]
    always: dict[str, float]
    coverage: dict[str, float]
    left_out: list[str]


def measure_reading(tokens: LabelledTokens, halves: Bool[np.ndarray, "divisions episodes"]) -> Reading:
    """Chooses sets of codes on one half of the episodes and reads labels by them on the other.

    Args:
        tokens: with their labels.
        halves: divisions of the episodes, True for the half that sets are chosen on.
    """
    by_size = {size: np.full((len(halves), len(tokens.names)), np.nan) for size in SIZES}
    for division, half in enumerate(halves):
        chosen, read = tokens.counts[half].sum(axis=0), tokens.counts[~half].sum(axis=0)
        for size, members in choose_codes(chosen).items():
            by_size[size][division] = set_f1(read, members)
    f1 = {size: nanmean(values) for size, values in by_size.items()}
    total, kept = tokens.counts.sum(axis=(0, 1)), tokens.frequent
    share = total / total.sum()
    names = tokens.names
    return Reading(
        f1={names[row]: {str(size): float(f1[size][row]) for size in SIZES} for row in np.flatnonzero(kept)},
        always={names[row]: float(2 * share[row] / (1 + share[row])) for row in np.flatnonzero(kept)},
        coverage={str(size): float(share[kept & (f1[size] >= READ)].sum()) for size in SIZES},
        left_out=[names[row] for row in np.flatnonzero(~kept)],
    )


def choose_codes(counts: Int64[np.ndarray, "code label"]) -> dict[int, Bool[np.ndarray, "code label"]]:
    """A set of codes for each label and each of `SIZES`, chosen greedily for the largest F1.

    One code after the other is added, the one with which the F1 is largest. A set stops growing where every
    further code would lower it, so it may have fewer codes than it may.

    Args:
        counts: tokens by code and label.

    Returns:
        By most codes: which codes each label's set has.
    """
    codes, labels = counts.shape
    size, positives, every = counts.sum(axis=1), counts.sum(axis=0), np.arange(labels)
    members = np.zeros((codes, labels), bool)
    hits, said, best = np.zeros(labels, np.int64), np.zeros(labels, np.int64), np.zeros(labels)
    found = {}
    for step in range(1, max(SIZES) + 1):
        f1 = _f1(hits + counts, said + size[:, None], positives)
        f1[members] = -1
        code = f1.argmax(axis=0)  # the first of equals
        grows = f1[code, every] > best
        members[code[grows], every[grows]] = True
        hits += np.where(grows, counts[code, every], 0)
        said += np.where(grows, size[code], 0)
        best = np.where(grows, f1[code, every], best)
        if step in SIZES:
            found[step] = members.copy()
    return found


def set_f1(
    counts: Int64[np.ndarray, "code label"], members: Bool[np.ndarray, "code label"]
) -> Float64[np.ndarray, " label"]:
    """F1 of "one of the set's codes stands here" for each label, over tokens; NaN for a label without any.

    Args:
        counts: tokens by code and label.
        members: the set of each label.
    """
    hits, said = (counts * members).sum(axis=0), counts.sum(axis=1) @ members
    positives = counts.sum(axis=0)
    return np.where(positives > 0, _f1(hits, said, positives), np.nan)


def _f1(hits: np.ndarray, said: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """2 hits / (said + positives), 0 where nothing is said and nothing is there."""
    total = np.asarray(said + positives, np.float64)
    return np.divide(2.0 * hits, total, out=np.zeros(np.broadcast(hits, total).shape), where=total > 0)
