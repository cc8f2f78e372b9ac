"""How well codes and labels agree, beside chance (protocol step 9)."""

import numpy as np
from scipy.stats import entropy, random_table
from sklearn.metrics import mutual_info_score

from irislib.seeding import stream

Array = np.ndarray

NULL_DRAWS = 20
MEASURES = ("nmi", "homogeneity", "completeness", "purity")


def agreement(counts: Array) -> tuple[float, float, float, float]:
    """Normalised mutual information, homogeneity, completeness and purity.

    The information that code and label share, over the mean of their entropies (which makes it the
    V-measure), over the labels' (homogeneity) and over the codes' (completeness). Purity is the share
    that has its code's commonest label.

    Args:
        counts: int [K,L], a contingency table of codes and labels.

    Returns:
        All in [0, 1]. NaN where undefined: without counts; where there is one label, or one code, or both.
    """
    total = counts.sum()
    if total == 0:
        return (float("nan"),) * 4
    of_codes, of_labels = entropy(counts.sum(axis=1)), entropy(counts.sum(axis=0))
    information = mutual_info_score(None, None, contingency=counts)
    shares = [
        float(information / most) if most > 0 else float("nan")
        for most in ((of_codes + of_labels) / 2, of_labels, of_codes)
    ]
    return shares[0], shares[1], shares[2], float(counts.max(axis=1).sum() / total)


def semantic_metrics(counts: Array, elsewhen: Array, seed: int) -> dict[str, float]:
    """Agreement of codes and labels, and what it would be by chance and by place alone.

    By chance: were labels permuted among the pairs. A permutation keeps the margins of the contingency
    table, so the null is sampled from the tables with these margins directly, NULL_DRAWS of them; its
    mean is given. By place: had every observation the labels of another one.

    Args:
        counts: int64 [K,L], pairs by code and label.
        elsewhen: int64 [K,L], pairs by code and the label in another observation.
        seed: of the null.

    Returns:
        nmi, homogeneity, completeness, purity; see `agreement`; nmi and purity also with the suffixes
        _null and _place.
    """
    null = [(float("nan"),) * 4]
    if counts.any():
        used = counts[counts.any(axis=1)][:, counts.any(axis=0)]
        tables = random_table(used.sum(axis=1), used.sum(axis=0))
        draws = tables.rvs(NULL_DRAWS, random_state=stream(seed, "semantics", "null"))
        null = [agreement(table) for table in draws.astype(np.int64)]
    found = dict(zip(MEASURES, agreement(counts), strict=True))
    by_chance = dict(zip(MEASURES, np.mean(null, axis=0).tolist(), strict=True))
    by_place = dict(zip(MEASURES, agreement(elsewhen), strict=True))
    for measure in ("nmi", "purity"):
        found |= {f"{measure}_null": by_chance[measure], f"{measure}_place": by_place[measure]}
    return found
