"""How well codes and labels agree, beside chance (protocol step 9)."""

import numpy as np
from scipy.stats import entropy, random_table
from sklearn.metrics import mutual_info_score

from irislib.seeding import stream

Array = np.ndarray

NULL_DRAWS = 20


def agreement(counts: Array) -> tuple[float, float]:
    """Normalised mutual information (by the mean of the entropies, the V-measure) and purity.

    Args:
        counts: int [K,L], a contingency table of codes and labels.

    Returns:
        Both in [0, 1]. NaN where undefined: without counts, or, for the first, with one code and one label.
    """
    total = counts.sum()
    if total == 0:
        return float("nan"), float("nan")
    purity = float(counts.max(axis=1).sum() / total)
    mean_entropy = (entropy(counts.sum(axis=1)) + entropy(counts.sum(axis=0))) / 2
    if mean_entropy == 0:
        return float("nan"), purity
    information = mutual_info_score(None, None, contingency=counts)
    return float(information / mean_entropy), purity


def semantic_metrics(counts: Array, seed: int) -> dict[str, float]:
    """Agreement of codes and labels, and what it would be were labels permuted among the pairs.

    A permutation keeps the margins of the contingency table, so the null is sampled from the tables with
    these margins directly, NULL_DRAWS of them; its mean is given.

    Args:
        counts: int64 [K,L], pairs by code and label.
        seed: of the null.

    Returns:
        nmi, nmi_null, purity, purity_null; see `agreement`.
    """
    nmi, purity = agreement(counts)
    null = [(float("nan"), float("nan"))]
    if counts.any():
        used = counts[counts.any(axis=1)][:, counts.any(axis=0)]
        tables = random_table(used.sum(axis=1), used.sum(axis=0))
        draws = tables.rvs(NULL_DRAWS, random_state=stream(seed, "semantics", "null"))
        null = [agreement(table) for table in draws.astype(np.int64)]
    nmi_null, purity_null = np.mean(null, axis=0)
    return {"nmi": nmi, "nmi_null": float(nmi_null), "purity": purity, "purity_null": float(purity_null)}
