"""Which codes show up together, and do they show one thing when they do (protocol step 8)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from irislib.interpret.evidence import Crops, Maps
from irislib.runtime import progress

Array = np.ndarray


@dataclass(frozen=True)
class Cooccurrence:
    """What `score_pairs` finds.

    Attributes:
        pairs: one row a listed pair, a < b, by count (descending), then codes. Columns: code_a, code_b,
            count (observations with both), share (of all observations), pmi (bits), episodes (with such
            an observation), consistency and consistency_random (NaN below two shared observations with
            crops), interpretable.
        seen: pairs that share at least one observation.
        covered: share of all observations in which some interpretable pair co-occurs.
    """

    pairs: pd.DataFrame
    seen: int
    covered: float


def presence(maps: Maps) -> sparse.csr_array:
    """int64 [T,K], 1 where a code's map is not empty."""
    alive = maps.pair_nonempty
    ones = np.ones(int(alive.sum()), np.int64)
    where = (maps.pair_step[alive], maps.pair_code[alive])
    return sparse.csr_array((ones, where), shape=(maps.steps, maps.codes))


def count_pairs(present: sparse.csr_array, episode: Array) -> tuple[Array, Array, Array, Array]:
    """Observations, and episodes, that two codes share.

    Args:
        present: [T,K] of 0 and 1.
        episode: int [T].

    Returns:
        For each pair that shares an observation: its codes a < b, the observations and the episodes,
        each int [n].
    """
    shape = (present.shape[1], present.shape[1])
    counts, episodes = sparse.csr_array(shape, dtype=np.int64), sparse.csr_array(shape, dtype=np.int64)
    for one in progress(np.unique(episode), desc="co-occurrence", unit="episode"):
        rows = present[np.flatnonzero(episode == one)]
        met = sparse.csr_array(sparse.triu(rows.T @ rows, k=1))
        counts = counts + met
        episodes = episodes + (met > 0).astype(np.int64)
    # Both have entries in the same places; sorted, they line up.
    shared, spanned = sparse.coo_array(counts), sparse.coo_array(episodes)
    shared.sum_duplicates()
    spanned.sum_duplicates()
    return shared.row, shared.col, shared.data, spanned.data


def score_pairs(
    maps: Maps, crops: Crops, consistent: Array, min_crops: int, min_pair_count: int
) -> Cooccurrence:
    """Scores pairs of codes whose maps are non-empty in the same observations (protocol step 8).

    Listed are the pairs that share at least `min_pair_count` observations. A pair is interpretable when
    both codes are consistent, they meet more often than independent codes would (PMI > 0), and the pair is
    more consistent than its random counterpart (see `pair_consistency`) over at least `min_crops`
    observations. Crops are a sample: a pair whose codes were cropped together in fewer observations than
    that cannot be judged and counts as not interpretable.

    Args:
        maps: who has which map.
        crops: of all codes.
        consistent: bool [K], from step 7.
        min_crops: fewer shared observations with crops leave a pair not interpretable.
        min_pair_count: fewer shared observations leave a pair unlisted.
    """
    present = presence(maps)
    seen = count_pairs(present, maps.episode)
    order = np.lexsort((seen[1], seen[0], -seen[2]))
    order = order[seen[2][order] >= min_pair_count]
    a, b, count, episodes = (column[order] for column in seen)
    steps = present.sum(axis=0)
    own, random, shared = pair_consistency(crops, a, b)
    pmi = np.log2(count * maps.steps / (steps[a] * steps[b]))
    interpretable = consistent[a] & consistent[b] & (pmi > 0) & (own > random) & (shared >= min_crops)
    pairs = pd.DataFrame(
        {
            "code_a": a,
            "code_b": b,
            "count": count,
            "share": count / maps.steps,
            "pmi": pmi,
            "episodes": episodes,
            "cropped": shared,
            "consistency": own,
            "consistency_random": random,
            "interpretable": interpretable,
        }
    )
    return Cooccurrence(pairs, len(seen[0]), covered_share(present, a[interpretable], b[interpretable]))


def covered_share(present: sparse.csr_array, a: Array, b: Array) -> float:
    """Share of the T observations of `present` [T,K] in which some pair (a[i], b[i]) is present."""
    ones = np.ones(len(a), np.int64)
    partner = sparse.csr_array((ones, (a, b)), shape=(present.shape[1], present.shape[1]))
    met = (present @ partner).multiply(present).sum(axis=1)
    return float(np.count_nonzero(met) / present.shape[0])


def pair_consistency(crops: Crops, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Mean pairwise cosine of pairs of codes over the observations in which both have a crop.

    The vector of a pair in an observation is the mean embedding of a's crops there beside that of b's,
    either part scaled to length 1/sqrt(2): the two codes weigh the same. The cosine of two such vectors
    is then the mean of the two codes' cosines.

    Args:
        crops: of all codes.
        a: int [n], the first codes.
        b: int [n], the second.

    Returns:
        For crops and for their random counterparts, float64 [n], NaN below two observations; and the
        number of observations, int64 [n].
    """
    group_code, group_step, own, random = group_by_observation(crops)
    starts = np.searchsorted(group_code, np.arange(crops.code.max(initial=-1) + 2))
    result = np.full((2, len(a)), np.nan)
    shared = np.zeros(len(a), np.int64)

    def groups(code: int) -> slice:
        return slice(starts[code], starts[code + 1]) if code + 1 < len(starts) else slice(0, 0)

    for i in progress(range(len(a)), desc="pairs", unit="pair"):
        of_a, of_b = groups(a[i]), groups(b[i])
        _, in_a, in_b = np.intersect1d(group_step[of_a], group_step[of_b], True, return_indices=True)
        shared[i] = n = len(in_a)
        if n < 2:
            continue
        for kind, vectors in enumerate((own, random)):
            sums = [
                vectors[of][rows].sum(axis=0, dtype=np.float64) for of, rows in ((of_a, in_a), (of_b, in_b))
            ]
            squared = (sums[0] @ sums[0] + sums[1] @ sums[1]) / 2
            result[kind, i] = (squared - n) / (n * (n - 1))
    return result[0], result[1], shared


def group_by_observation(crops: Crops) -> tuple[Array, Array, Array, Array]:
    """The crops of one code in one observation as one unit vector, their normalised mean embedding.

    Returns:
        code and step, int32 [G], ordered by code, then step; the vectors of the crops and those of their
        random counterparts, float32 [G,F].
    """
    order = np.lexsort((crops.step, crops.code))
    code, step = crops.code[order], crops.step[order]
    first = np.ones(len(code), bool)
    first[1:] = (code[1:] != code[:-1]) | (step[1:] != step[:-1])
    starts = np.flatnonzero(first)
    vectors = []
    for rows in (crops.own[order], crops.random[order]):
        units = np.empty((len(starts), crops.embedding.shape[1]), np.float32)
        for i, members in enumerate(np.split(rows, starts[1:])[: len(starts)]):
            total = crops.units(members).sum(axis=0)
            units[i] = total / np.linalg.norm(total)
        vectors.append(units)
    return code[starts], step[starts], vectors[0], vectors[1]
