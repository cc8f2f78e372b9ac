"""Whether a map is right: what inserting and deleting what it points at does to the score.

After the insertion and deletion metrics of Petsiuk et al. 2018 (arXiv 1806.07421): the most highly valued
parts are inserted into nothing, or deleted from the whole, first; the areas under the two curves of the
score over the share of parts are compared. A deletion in one order passes through the states of an insertion
in the reverse order, so any order as good as chance has equal areas, and insertion minus deletion measures
faithfulness. Nothing is what zero latents decode to.
"""

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from irislib.interpret.attribution.attributions import LatentScore
from irislib.interpret.upsampling import upsample

POINTS = 8  # of a curve over latent positions, at most; each costs a decoding


def image_faithfulness(maps: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Insertion minus deletion of the mapped pixels in the decoded image, against the best order.

    Scores are sums over pixels, so no image need be composed: the area between both curves is a sum of the
    pixels' gains, weighted by their ranks. Pixels of equal value are inserted in random order, on average.

    Args:
        maps: before the ReLU, float [N,h,w]; upsampled bilinearly, as for the regions.
        gain: float [N,H,W], what each pixel of the image adds to the score where it replaces nothing's.

    Returns:
        float64 [N] in [-1,1]: 1 for the best order, 0 for chance; NaN where all pixels are alike.
    """
    large = upsample(maps, gain.shape[1:]).reshape(len(maps), -1)
    gain = gain.reshape(large.shape).astype(np.float64)
    area = (gain * _weights(large)).sum(1)
    best = (gain * _weights(gain)).sum(1)
    share: np.ndarray = np.divide(area, best, out=np.full(len(area), np.nan), where=best > 0)
    return share


def _weights(values: np.ndarray) -> np.ndarray:
    """How much longer each value's pixel is in than out, from +1 for the first inserted to -1, [N,pixels]."""
    weights: np.ndarray = (2 * rankdata(values, axis=1) - 1) / values.shape[1] - 1
    return weights


@torch.no_grad()
def latent_areas(objective: LatentScore, latents: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Areas under the insertion and the deletion curve of latent positions, in the score's unit.

    The curves are piecewise linear between at most `POINTS` + 1 shares of the positions, from 0 to 1.

    Args:
        objective: latents to scores.
        latents: float [N,C,h,w].
        maps: float [N,h,w], in whose descending order positions are inserted or deleted (set to zero); of
            equal ones the first in reading order.

    Returns:
        Two of float [N].
    """
    positions = maps[0].numel()
    rank = maps.flatten(1).argsort(dim=1, descending=True, stable=True).argsort(dim=1).view(maps.shape)
    share = torch.linspace(0, positions, min(POINTS, positions) + 1).round().to(torch.int64)
    first = [(rank < n)[:, None] for n in share.tolist()]
    inserted = torch.stack([objective(latents * chosen) for chosen in first])
    deleted = torch.stack(
        [inserted[-1], *(objective(latents * ~chosen) for chosen in first[1:-1]), inserted[0]]
    )
    at = (share / positions).to(inserted)
    return torch.trapezoid(inserted, at, dim=0), torch.trapezoid(deleted, at, dim=0)
