"""Does a pair of codes show one thing when both are cropped in one observation (step 8)?"""

import numpy as np
from jaxtyping import Float32, Float64, Int

from irislib.interpret.evidence import Crops
from irislib.runtime import progress

PairScores = tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"], Int[np.ndarray, " n"]]
CropGroups = tuple[
    Int[np.ndarray, " groups"],
    Int[np.ndarray, " groups"],
    Float32[np.ndarray, "groups features"],
    Float32[np.ndarray, "groups features"],
]


def pair_consistency(crops: Crops, a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]) -> PairScores:
    """Mean pairwise cosine of pairs of codes over the observations in which both have a crop.

    The vector of a pair in an observation is the concatenation of two mean features, that of the crops of
    code a and that of the crops of code b, each scaled to length 1/sqrt(2), so that both codes weigh the
    same. The cosine of two such vectors is the mean of the cosines of the two codes.

    Args:
        crops: of all codes.
        a: the first codes.
        b: the second codes.

    Returns:
        The mean cosine of the crops and that of their random counterparts, NaN below two observations; and
        int64, the number of observations.
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


def group_by_observation(crops: Crops) -> CropGroups:
    """The mean feature of a code's crops in one observation, scaled to length 1.

    Returns:
        The code and step of each group of crops, int32, ordered by code, then step; the vectors of the crops
        and those of their random counterparts.
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
