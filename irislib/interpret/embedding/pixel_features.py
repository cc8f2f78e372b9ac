"""Features of crops that no label taught: whitened principal components of their pixels.

An alignment that was taught by labels must not be judged by an embedder that labels taught alone.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int, UInt8
from threadpoolctl import threadpool_limits

from irislib.interpret.embedding.resnet import resize
from irislib.seeding import stream

SIDE = 8  # pixels to which a crop's sides are resized
COMPONENTS = 16  # more see noise, fewer miss what is rare
CROPS = 8192  # that components are fitted on


class PixelFeatures:
    """An embedder (`embedding.resnet.Embedder`): the crop's pixels, centred, rotated and scaled.

    Args:
        centre: mean pixels of the crops that it was fitted on.
        axes: maps centred pixels to features.
    """

    feature = "whitened principal components of the pixels"
    size = SIDE

    def __init__(
        self, centre: Float64[np.ndarray, " numbers"], axes: Float64[np.ndarray, "numbers features"]
    ) -> None:
        self.centre, self.axes = centre, axes

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        features: int = self.axes.shape[1]
        return features

    def calibrate(self, crops: Sequence[np.ndarray]) -> None:
        """Does nothing: other crops than those it is asked about were fitted on."""

    def __call__(self, crops: Sequence[np.ndarray]) -> Float32[np.ndarray, "n features"]:
        """Features of crops u8 [y,x,3]."""
        centred = _pixels(crops) - self.centre
        features: np.ndarray = np.einsum("np,pf->nf", centred, self.axes).astype(np.float32)
        return features


def fit_pixel_features(
    frames: UInt8[np.ndarray, "t y x 3"], boxes: Int[np.ndarray, "position 4"], seed: int
) -> PixelFeatures:
    """Fits the components on crops of random patches of frames.

    Args:
        frames: of other episodes than those whose crops are embedded.
        boxes: patches to crop.
        seed: of the draw.
    """
    rng = stream(seed, "pixel features")
    step, which = rng.integers(0, len(frames), CROPS), rng.integers(0, len(boxes), CROPS)
    crops = [frames[t, y0:y1, x0:x1] for t, (y0, x0, y1, x1) in zip(step, boxes[which], strict=True)]
    pixels = _pixels(crops)
    centre = pixels.mean(axis=0)
    centred = pixels - centre
    with threadpool_limits(1):
        variance, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = slice(-COMPONENTS, None)
    return PixelFeatures(centre, axes[:, kept] / np.sqrt(np.maximum(variance[kept], 1e-6)))


def _pixels(crops: Sequence[np.ndarray]) -> Float64[np.ndarray, "n numbers"]:
    """Crops u8 [y,x,3] as pixels of `SIDE` x `SIDE` from 0 to 1."""
    pixels: np.ndarray = resize(crops, SIDE, torch.float64).flatten(1).numpy()
    return pixels
