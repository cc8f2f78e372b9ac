"""Occurrences: which code stands where in which observation, and which give the same decoder input."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64, Shaped, UInt8

from irislib.artifacts import Store
from irislib.errors import ArtifactError
from irislib.runtime import progress

ROWS = 16384  # observations searched at once


@dataclass(frozen=True)
class Occurrences:
    """P occurrences, ordered by step, then code.

    Attributes:
        step: int32 [P], the observation.
        code: int32 [P].
        packed: u8 [P,ceil(h*w/8)], where the code stands: one bit a position, row by row.
        grid: (h, w).
    """

    step: Int32[np.ndarray, " occurrences"]
    code: Int32[np.ndarray, " occurrences"]
    packed: UInt8[np.ndarray, "occurrences bytes"]
    grid: tuple[int, int]

    def positions(self) -> Bool[np.ndarray, "occurrences h w"]:
        """Where each one's code stands, bool [P,h,w]."""
        h, w = self.grid
        return np.unpackbits(self.packed, axis=1, count=h * w).view(bool).reshape(-1, h, w)

    def keys(self) -> Shaped[np.ndarray, " occurrences"]:
        """Sort keys by code, then positions; equal keys give equal decoder input (protocol step 1).

        Returns:
            Bytes [P], compared bytewise: the code, its most significant byte first, then `packed`.
        """
        code = self.code.astype(">u4").view(np.uint8).reshape(-1, 4)
        whole = np.column_stack([code, self.packed])
        return whole.view(np.dtype((np.void, whole.shape[1])))[:, 0]

    def take(self, rows: slice | np.ndarray) -> "Occurrences":
        """The occurrences of these rows."""
        return replace(self, step=self.step[rows], code=self.code[rows], packed=self.packed[rows])

    def distinct(self) -> "Occurrences":
        """The first occurrence with each key, ordered by code, then positions."""
        _, first = np.unique(self.keys(), return_index=True)
        return self.take(first)

    def join(self, other: "Occurrences") -> "Occurrences":
        """These occurrences, followed by the other ones."""
        step, code, packed = (
            np.concatenate([getattr(self, name), getattr(other, name)]) for name in ("step", "code", "packed")
        )
        return replace(self, step=step, code=code, packed=packed)


def find_occurrences(tokens: Int[np.ndarray, "t h w"], first_step: int = 0) -> Occurrences:
    """The occurrences in tokens [T,h,w] of consecutive observations, of which the first is `first_step`."""
    flat = tokens.reshape(len(tokens), -1)
    ordered = np.sort(flat, axis=1)
    first = np.ones(ordered.shape, bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    row, column = np.nonzero(first)
    code = ordered[row, column]
    packed = np.packbits(flat[row] == code[:, None], axis=1)
    return Occurrences((first_step + row).astype(np.int32), code.astype(np.int32), packed, tokens.shape[1:])


def read_blocks(rollouts: Store, codes: int) -> Iterator[Occurrences]:
    """The occurrences of recorded play in order, `ROWS` observations at a time.

    Raises:
        ArtifactError: there are no observations, or a token is not one of the `codes` of the codebook.
    """
    steps = len(rollouts)
    if steps == 0:
        raise ArtifactError(f"{rollouts.path}: holds no steps; run the rollout stage again")
    for start in range(0, steps, ROWS):
        tokens = rollouts.read("token", slice(start, start + ROWS))
        if tokens.min() < 0 or tokens.max() >= codes:
            raise ArtifactError(
                f"{rollouts.path}: tokens outside the codebook of {codes}; run the rollout stage again"
            )
        yield find_occurrences(tokens, start)


@dataclass(frozen=True)
class Census:
    """A summary of the occurrences of recorded play; a list of them all would not fit in memory in long play.

    Attributes:
        starts: int64 [T+1], the number of occurrences before each observation; the last entry is P.
        distinct: the first occurrence with each key, ordered by code, then positions.
    """

    starts: Int64[np.ndarray, " t_plus_1"]
    distinct: Occurrences

    def __len__(self) -> int:
        """The number of occurrences, P."""
        return int(self.starts[-1])


def take_census(rollouts: Store, codes: int) -> Census:
    """Reads recorded play once. Raises ArtifactError as `read_blocks` does."""
    counts: list[np.ndarray] = []
    distinct: Occurrences | None = None
    with progress(desc="occurrences", total=len(rollouts), unit="step") as bar:
        for found in read_blocks(rollouts, codes):
            counts.append(np.unique(found.step, return_counts=True)[1])
            new = found.distinct()
            distinct = new if distinct is None else distinct.join(new).distinct()
            bar.update(len(counts[-1]))
    assert distinct is not None
    return Census(np.cumsum(np.concatenate([[0], *counts])), distinct)


def read_occurrences(rollouts: Store, census: Census, rows: range) -> Occurrences:
    """The occurrences with these consecutive numbers, of all in recorded play."""
    steps = np.searchsorted(census.starts, [rows.start, rows.stop - 1], side="right") - 1
    first, last = (int(step) for step in steps)
    found = find_occurrences(rollouts.read("token", slice(first, last + 1)), first)
    before = int(census.starts[first])
    return found.take(slice(rows.start - before, rows.stop - before))
