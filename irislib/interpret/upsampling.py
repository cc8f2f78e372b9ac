"""Bilinear upsampling of maps to the size of the frame."""

import numpy as np
from jaxtyping import Float, Float32, Real


def upsample(maps: Real[np.ndarray, "n h w"], size: tuple[int, ...]) -> Float[np.ndarray, "n H W"]:
    """Bilinear interpolation, as torch's `interpolate` with align_corners=False.

    Values are those of cell centres; beyond the outermost centres the map is constant.

    Args:
        maps: float32, or whole numbers that float32 holds.
        size: (H, W).
    """
    rows, columns = (interpolation(old, new) for old, new in zip(maps.shape[1:], size, strict=True))
    large: np.ndarray = rows @ maps @ columns.T
    return large


def interpolation(old: int, new: int) -> Float32[np.ndarray, "{new} {old}"]:
    """Weight of each old cell in each new cell along one axis, as `upsample` interpolates."""
    centre = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    weights: np.ndarray = np.maximum(0, 1 - np.abs(centre[:, None] - np.arange(old)))
    return weights.astype(np.float32)
