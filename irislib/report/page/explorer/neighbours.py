"""Neighbours of a code: nearest codes in the codebook, and codes in the same observations."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse

SHOWN = 6


def nearest_codes(codebook: Float[np.ndarray, "code channel"]) -> list[list[tuple[int, float]]]:
    """For each code the `SHOWN` other codes with the largest cosine of their vectors, and the cosine.

    The cosine with a vector of zeros is 0. The lower number comes first if cosines are equal.
    """
    length = np.linalg.norm(codebook.astype(np.float64), axis=1, keepdims=True)
    unit = codebook / np.where(length > 0, length, 1)
    cosine = (unit @ unit.T).round(6)
    np.fill_diagonal(cosine, -np.inf)
    order = np.argsort(-cosine, axis=1, kind="stable")[:, : min(SHOWN, len(codebook) - 1)]
    return [
        [(int(other), float(cosine[code, other])) for other in others] for code, others in enumerate(order)
    ]


def companions(
    step: Int[np.ndarray, " n"],
    code: Int[np.ndarray, " n"],
    visible: Bool[np.ndarray, " step"],
    codes: int,
) -> list[list[tuple[int, int, float]]]:
    """For each code the `SHOWN` codes that are most often in its observations, with how often and the PMI.

    The pointwise mutual information (PMI) is log2 of how many times more often the two are together than if
    they were independent; 0 is chance. Only visible observations count.

    Args:
        step, code: the occurrences.
        visible: which observations show the world.
    """
    kept = visible[step]
    ones = np.ones(int(kept.sum()), np.int64)
    present = sparse.csr_array((ones, (step[kept], code[kept])), shape=(len(visible), codes))
    together = (present.T @ present).toarray()
    alone = np.diag(together).copy()
    np.fill_diagonal(together, 0)
    total = int(visible.sum())
    found = []
    for one, count in enumerate(together):
        others = [int(other) for other in np.argsort(-count, kind="stable")[:SHOWN] if count[other]]
        times = [count[other] * total / (alone[one] * alone[other]) for other in others]
        found.append(
            [
                (other, int(count[other]), float(np.log2(more)))
                for other, more in zip(others, times, strict=True)
            ]
        )
    return found
