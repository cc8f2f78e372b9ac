"""How well codes and labels agree, beside chance (protocol step 9)."""

import numpy as np
from jaxtyping import Float64, Int
from scipy.special import entr
from scipy.stats import random_table, t
from sklearn.metrics import mutual_info_score

from irislib.seeding import stream

NULL_DRAWS = 20
INTERVAL = 0.95
MEASURES = ("nmi", "homogeneity", "completeness", "purity")


def agreement(counts: Int[np.ndarray, "code label"]) -> tuple[float, float, float, float]:
    """Normalised mutual information, homogeneity, completeness and purity of a contingency table.

    The mutual information of code and label is divided by the mean of their entropies (normalised mutual
    information, which equals the V-measure), by the entropy of the labels (homogeneity), and by the entropy
    of the codes (completeness). Purity is the share of counts on the commonest label of their code.

    Args:
        counts: the contingency table.

    Returns:
        The four, in [0, 1]. NaN where undefined: without counts, or where an entropy is zero.
    """
    total = counts.sum()
    if total == 0:
        return (float("nan"),) * 4
    of_codes, of_labels = (entr(counts.sum(axis=axis) / total).sum() for axis in (1, 0))
    information = mutual_info_score(None, None, contingency=counts)
    shares = [
        float(information / most) if most > 0 else float("nan")
        for most in ((of_codes + of_labels) / 2, of_labels, of_codes)
    ]
    return shares[0], shares[1], shares[2], float(counts.max(axis=1).sum() / total)


def semantic_metrics(
    counts: Int[np.ndarray, "episode code label"], elsewhen: Int[np.ndarray, "round code label"], seed: int
) -> dict[str, float]:
    """Agreement of codes and labels, and what it would be by chance and by place and time alone.

    By chance: labels are permuted among the occurrences. A permutation keeps the margins of the contingency
    table, so `NULL_DRAWS` tables with these margins are drawn directly; the mean over them is given. By
    place: every observation has the labels of the one that stands in for it; the mean over the exchanges.

    Args:
        counts: occurrences by episode, code and label.
        elsewhen: occurrences by code and label after each exchange.
        seed: of the permutations.

    Returns:
        nmi, homogeneity, completeness, purity; see `agreement`. nmi and purity also with the suffixes _low
        and _high (95% interval over episodes; NaN for a single one), _null and _place; purity_base, the share
        of the commonest label.
    """
    total = counts.sum(axis=0)
    null = [(float("nan"),) * 4]
    if total.any():
        used = total[total.any(axis=1)][:, total.any(axis=0)]
        tables = random_table(used.sum(axis=1), used.sum(axis=0))
        draws = tables.rvs(NULL_DRAWS, random_state=stream(seed, "semantics", "null"))
        null = [agreement(table) for table in draws.astype(np.int64)]
    found = dict(zip(MEASURES, agreement(total), strict=True))
    by_chance = dict(zip(MEASURES, np.mean(null, axis=0).tolist(), strict=True))
    elsewhere = np.mean([agreement(one) for one in elsewhen], axis=0)
    by_place = dict(zip(MEASURES, elsewhere.tolist(), strict=True))
    reach = dict(zip(MEASURES, _reach(counts).tolist(), strict=True))
    for measure in ("nmi", "purity"):
        found[f"{measure}_low"] = float(np.clip(found[measure] - reach[measure], 0, 1))
        found[f"{measure}_high"] = float(np.clip(found[measure] + reach[measure], 0, 1))
        found |= {f"{measure}_null": by_chance[measure], f"{measure}_place": by_place[measure]}
    most = total.sum(axis=0).max(initial=0)
    found["purity_base"] = float(most / total.sum()) if total.any() else float("nan")
    return found


def _reach(counts: Int[np.ndarray, "episode code label"]) -> Float64[np.ndarray, " 4"]:
    """Half of the width of the interval of each measure, by the jackknife over episodes.

    Efron and Stein 1981. A bootstrap would draw each episode several times: fewer counts look as if codes and
    labels agreed better, so that most of its draws, often 95% of them, lie above the measured value.
    """
    episodes, total = len(counts), counts.sum(axis=0)
    if episodes < 2:
        return np.full(len(MEASURES), np.nan)
    without = np.array([agreement(total - own) for own in counts])
    error = without.std(axis=0) * np.sqrt(episodes - 1)
    return np.asarray(error * t.ppf((1 + INTERVAL) / 2, episodes - 1))
