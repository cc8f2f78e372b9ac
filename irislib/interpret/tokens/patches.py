"""Which rectangle of the frame each token stands for, and which labels stand in it (protocol step 11)."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int, Int16, Int64, UInt8

from irislib.errors import ArtifactError
from irislib.interpret.labels.truth import Truth
from irislib.tokenizers.context import AnyTokenizer


def patch_boxes(tokenizer: AnyTokenizer, frame: tuple[int, ...]) -> Int16[np.ndarray, "position 4"]:
    """The patch of each token, row by row: (y0, x0, y1, x1) in pixels, half open.

    A tokenizer may say it itself by a member `patch_boxes`, int [h*w,4]. Its patches may leave pixels out,
    but none is empty. Without that member, tokens divide the frame evenly: a pixel belongs to the patch in
    which its centre lies.

    Args:
        tokenizer: its grid is (h, w).
        frame: (H, W).

    Raises:
        ArtifactError: a patch has no pixel, or lies outside the frame.
    """
    own: Any = getattr(tokenizer, "patch_boxes", None)
    boxes = _equal_parts(tokenizer.grid, frame) if own is None else np.asarray(own)
    wanted = (tokenizer.grid[0] * tokenizer.grid[1], 4)
    fits = (
        boxes.shape == wanted
        and np.issubdtype(boxes.dtype, np.integer)
        and bool((boxes[:, :2] >= 0).all() and (boxes[:, :2] < boxes[:, 2:]).all())
        and bool((boxes[:, 2:] <= frame[:2]).all())
    )
    if not fits:
        raise ArtifactError(
            f"{type(tokenizer).__name__}: a patch is empty or outside the frame of {frame[0]} x {frame[1]} "
            f"pixels; mend its patch_boxes, int [{wanted[0]},4], or use fewer tokens"
        )
    return boxes.astype(np.int16)


def covered_pixels(
    boxes: Int16[np.ndarray, "position 4"], frame: tuple[int, ...]
) -> Bool[np.ndarray, "height width"]:
    """Which pixels belong to some token's patch, bool [H,W]."""
    covered = np.zeros(frame[:2], bool)
    for y0, x0, y1, x1 in boxes:
        covered[y0:y1, x0:x1] = True
    return covered


@dataclass(frozen=True)
class PatchTruth:
    """What stands in the patches of the P tokens that show the world, in each of T observations.

    A token shows the world if more than half of its patch's pixels lie on rectangles of the world.

    Attributes:
        names: of the L labels of the world; the display has none here.
        position: index of each such token into the grid, row by row.
        box: its patch.
        share: of each label among the patch's pixels that show the world, sums to 1.
        background: see `WorldDescription`.
    """

    names: tuple[str, ...]
    position: Int64[np.ndarray, " position"]
    box: Int16[np.ndarray, "position 4"]
    share: Float32[np.ndarray, "step position label"]
    background: str | None = None

    @cached_property
    def label(self) -> UInt8[np.ndarray, "step position"]:
        """The label of most pixels; of equal ones the first. The background only where nothing else is."""
        counted = self.share
        if self.background is not None:
            counted = counted.copy()
            counted[:, :, self.names.index(self.background)] *= np.float32(1e-6)
        most: np.ndarray = counted.argmax(axis=2)
        return most.astype(np.uint8)


def label_patches(truth: Truth, boxes: Int16[np.ndarray, "position 4"]) -> PatchTruth:
    """Reads off the truth what stands in each patch.

    Args:
        truth: labels of T observations.
        boxes: the patch of every token of the grid (`patch_boxes`).

    Raises:
        ArtifactError: no token shows the world.
    """
    shared = shared_pixels(boxes, truth.boxes.corners[: truth.boxes.world])
    area = (boxes[:, 2:].astype(np.int64) - boxes[:, :2]).prod(axis=1)
    position = np.flatnonzero(2 * shared.sum(axis=1) > area)
    if len(position) == 0:
        raise ArtifactError("rollouts: no token's patch shows the world by half; use a finer grid of tokens")
    shared = shared[position]
    share = np.zeros((len(truth.label), len(position), len(truth.names) - 1), np.float32)
    rows = np.arange(len(share))
    for patch, rectangle in zip(*np.nonzero(shared), strict=True):
        part = shared[patch, rectangle] / shared[patch].sum()
        share[rows, patch, truth.label[:, rectangle]] += np.float32(part)
    return PatchTruth(truth.names[:-1], position, boxes[position], share, truth.background)


def shared_pixels(
    patches: Int[np.ndarray, "position 4"], rectangles: Int[np.ndarray, "box 4"]
) -> Int64[np.ndarray, "position box"]:
    """Pixels that each patch shares with each rectangle, both (y0, x0, y1, x1), half open."""
    mine, theirs = patches[:, None].astype(np.int64), rectangles[None].astype(np.int64)
    sides = np.minimum(mine[..., 2:], theirs[..., 2:]) - np.maximum(mine[..., :2], theirs[..., :2])
    pixels: np.ndarray = np.maximum(0, sides).prod(axis=2)
    return pixels


def _equal_parts(grid: tuple[int, int], frame: tuple[int, ...]) -> np.ndarray:
    """The patches of a grid that divides the frame evenly, int64 [h*w,4]."""
    # The first pixel whose centre lies in part i of n is ceil(i * side / n - 1/2).
    edges = [-((n - 2 * np.arange(n + 1) * side) // (2 * n)) for n, side in zip(grid, frame[:2], strict=True)]
    (top, left), (bottom, right) = ([edge[part] for edge in edges] for part in (slice(-1), slice(1, None)))
    corners = [np.repeat(top, grid[1]), np.tile(left, grid[0])]
    corners += [np.repeat(bottom, grid[1]), np.tile(right, grid[0])]
    return np.stack(corners, axis=1)
