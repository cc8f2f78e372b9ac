"""How well the code of a token and the label of its patch agree (docs/protocol.md, step 11)."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.stats import entropy

from irislib.interpret.labels.agreement import semantic_metrics
from irislib.interpret.tokens.labelled_tokens import LabelledTokens


def measure_agreement(
    tokens: LabelledTokens, halves: Bool[np.ndarray, "divisions episodes"], seed: int
) -> dict[str, Any]:
    """Agreement of codes and labels over all tokens, beside place and chance.

    Args:
        tokens: with their labels.
        halves: divisions of the episodes, True for the half that codes learn their label on.
        seed: of the permutations.

    Returns:
        What `agreement.semantic_metrics` returns (purity, purity_base, homogeneity, completeness, nmi,
        nmi_place and more), `recall` (mean over the frequent labels), `recall_by_label`, and
        `codes_per_label`.
    """
    used = tokens.counts.any(axis=(0, 2))
    found: dict[str, Any] = semantic_metrics(tokens.counts[:, used], tokens.elsewhen[:, used], seed)
    recall = recall_by_label(tokens.counts, halves)
    kept = np.flatnonzero(tokens.frequent)
    per_label = codes_per_label(tokens.counts.sum(axis=0))
    found["recall"] = float(np.nanmean(recall[kept])) if len(kept) else float("nan")
    found["recall_by_label"] = {tokens.names[label]: float(recall[label]) for label in kept}
    found["codes_per_label"] = {tokens.names[label]: float(per_label[label]) for label in kept}
    return found


def recall_by_label(
    counts: Int64[np.ndarray, "episode code label"], halves: Bool[np.ndarray, "divisions episodes"]
) -> Float64[np.ndarray, " label"]:
    """Share of a label's tokens that the commonest label of their code predicts, learned on other episodes.

    A code that the other episodes do not have predicts nothing.

    Args:
        counts: tokens by episode, code and label.
        halves: divisions of the episodes, True for the half that is learned from; the other is predicted.

    Returns:
        The mean over the divisions; NaN for a label that is in no predicted half.
    """
    recalls = np.full((len(halves), counts.shape[2]), np.nan)
    for division, half in enumerate(halves):
        learned, predicted = counts[half].sum(axis=0), counts[~half].sum(axis=0)
        commonest = np.where(learned.any(axis=1), learned.argmax(axis=1), -1)
        right = predicted * (commonest[:, None] == np.arange(counts.shape[2]))
        total = predicted.sum(axis=0)
        np.divide(right.sum(axis=0), total, out=recalls[division], where=total > 0)
    return nanmean(recalls)


def codes_per_label(counts: Int64[np.ndarray, "code label"]) -> Float64[np.ndarray, " label"]:
    """Effective number of codes of each label: exp of the entropy of its codes; NaN without a token."""
    with np.errstate(invalid="ignore", divide="ignore"):
        effective: np.ndarray = np.exp(entropy(counts, axis=0))
    return np.where(counts.any(axis=0), effective, np.nan)


def nanmean(values: Float64[np.ndarray, "n *rest"]) -> Float64[np.ndarray, "*rest"]:
    """Mean over the first axis of the values that are defined; NaN where none is."""
    defined = np.isfinite(values)
    total, count = np.where(defined, values, 0).sum(axis=0), defined.sum(axis=0)
    mean: np.ndarray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean
