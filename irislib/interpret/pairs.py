"""Present pairs: which code stands where in which observation, and which pairs look alike to the decoder."""

from dataclasses import dataclass

import numpy as np

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.runtime import progress

ROWS = 16384  # observations searched at once


@dataclass(frozen=True)
class Pairs:
    """P present pairs, by step, then code.

    Attributes:
        step: int32 [P], the observation.
        code: int32 [P].
        packed: u8 [P,ceil(h*w/8)], where the code stands: the bits of the positions, row by row.
        grid: (h, w).
    """

    step: np.ndarray
    code: np.ndarray
    packed: np.ndarray
    grid: tuple[int, int]

    def positions(self, rows: np.ndarray) -> np.ndarray:
        """Where the codes of some pairs stand, bool [len(rows),h,w]."""
        h, w = self.grid
        return np.unpackbits(self.packed[rows], axis=1, count=h * w).view(bool).reshape(-1, h, w)

    def group(self) -> tuple[np.ndarray, np.ndarray]:
        """Groups pairs of the same code at the same positions.

        Returns:
            int64 [U], one pair of each group, the groups by code, then packed positions; and int32 [P],
            the group of each pair.
        """
        order = np.lexsort((*self.packed.T[::-1], self.code))
        keys = np.column_stack([self.code[order], self.packed[order]])
        new = np.ones(len(order), bool)
        new[1:] = (keys[1:] != keys[:-1]).any(1)
        group = np.empty(len(order), np.int32)
        group[order] = np.cumsum(new) - 1
        return order[new], group


def find_pairs(tokens: np.ndarray, first_step: int = 0) -> Pairs:
    """The present pairs of tokens [T,h,w] whose first observation is `first_step`."""
    flat = tokens.reshape(len(tokens), -1)
    ordered = np.sort(flat, axis=1)
    first = np.ones(ordered.shape, bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    row, column = np.nonzero(first)
    code = ordered[row, column]
    packed = np.packbits(flat[row] == code[:, None], axis=1)
    return Pairs((first_step + row).astype(np.int32), code.astype(np.int32), packed, tokens.shape[1:])


def read_pairs(rollouts: Store, codes: int) -> Pairs:
    """The present pairs of recorded play.

    Raises:
        ArtifactError: there are no observations, or a token is not one of the `codes` of the codebook.
    """
    steps = len(rollouts)
    if steps == 0:
        raise ArtifactError(f"{rollouts.path}: holds no steps; run the rollout stage again")
    parts = []
    for start in progress(range(0, steps, ROWS), desc="present pairs", unit="block"):
        tokens = rollouts.read("token", slice(start, start + ROWS))
        if tokens.min() < 0 or tokens.max() >= codes:
            raise ArtifactError(
                f"{rollouts.path}: tokens outside the codebook of {codes}; run the rollout stage again"
            )
        parts.append(find_pairs(tokens, start))
    step, code, packed = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("step", "code", "packed")
    )
    return Pairs(step, code, packed, parts[0].grid)
