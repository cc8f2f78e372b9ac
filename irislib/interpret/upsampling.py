"""Bilinear upsampling of maps to the size of the frame."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Real


def upsample(maps: Real[np.ndarray, "n h w"], size: tuple[int, ...]) -> Float[np.ndarray, "n H W"]:
    """Bilinear interpolation, as torch's `interpolate` with align_corners=False.

    Values are those of cell centres; beyond the outermost centres the map is constant. Each value is two
    products and a sum along each axis, in a fixed order: the order of a matrix product's sums depends on the
    processor, and the last bits with it.

    Args:
        maps: float32, or whole numbers that float32 holds.
        size: (H, W).
    """
    for axis, new, along in zip((1, 2), size, ((-1, 1), (1, -1)), strict=True):
        old = maps.shape[axis]
        centre = _centres(old, new)
        below = centre.astype(np.int64)
        above = np.minimum(below + 1, old - 1)
        share = (centre - below).astype(np.float32).reshape(along)
        maps = maps.take(below, axis) * (1 - share) + maps.take(above, axis) * share
    return maps


def interpolation(old: int, new: int) -> Float32[np.ndarray, "{new} {old}"]:
    """Weight of each old cell in each new cell along one axis, as `upsample` interpolates."""
    weights: np.ndarray = np.maximum(0, 1 - np.abs(_centres(old, new)[:, None] - np.arange(old)))
    return weights.astype(np.float32)


def _centres(old: int, new: int) -> Float64[np.ndarray, "{new}"]:
    """Where the centre of each new cell lies, counted in old cells from the centre of the first."""
    return np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
