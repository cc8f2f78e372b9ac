"""Whether a map is right: how the score changes when the parts with high values are inserted or deleted.

These are the insertion and deletion metrics of Petsiuk et al. 2018 (arXiv 1806.07421). Parts are inserted
into blank latents, or deleted from the whole, in descending order of their values in the map. Each gives a
curve of the score over the share of parts, and the areas under the two curves are compared. Deleting in one
order visits the same states as inserting in the reverse order. So a random order has equal areas on average,
and insertion minus deletion measures faithfulness.
"""

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor

from irislib.interpret.attribution.attributions import LatentScore
from irislib.interpret.upsampling import upsample

POINTS = 8  # of a curve over latent positions, at most; each costs a decoding


def image_faithfulness(
    maps: Float[np.ndarray, "n h w"], gain: Float[np.ndarray, "n y x"]
) -> Float[np.ndarray, " n"]:
    """Insertion minus deletion of the decoded image's pixels in the map's order, relative to the best order.

    A score is a sum over pixels, so the area between both curves is the sum of the pixels' gains, weighted by
    their ranks; no image is composed. Pixels of equal value share their mean rank.

    Args:
        maps: before the ReLU, float [N,h,w]; upsampled bilinearly, as for the regions.
        gain: float [N,H,W], what each pixel adds to the score when it takes the place of the blank image's.

    Returns:
        float64 [N] in [-1,1]: 1 for the best order, 0 on average for a random one; NaN where all gains are
        equal.
    """
    large = upsample(maps, gain.shape[1:]).reshape(len(maps), -1)
    gain = gain.reshape(large.shape).astype(np.float64)
    area = (gain * _weights(large)).sum(1)
    best = (gain * _weights(gain)).sum(1)
    share: np.ndarray = np.divide(area, best, out=np.full(len(area), np.nan), where=best > 0)
    return share


def _weights(values: np.ndarray) -> np.ndarray:
    """Share of the curve in which a pixel is in, minus the share in which it is out, [N,pixels] in [-1,1]."""
    weights: np.ndarray = (2 * rankdata(values, axis=1) - 1) / values.shape[1] - 1
    return weights


@torch.no_grad()
def latent_areas(
    objective: LatentScore,
    latents: Float[Tensor, "n channels h w"],
    maps: Float[Tensor, "n h w"],
    blank: Float[Tensor, "m channels h w"],
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Areas under the insertion and the deletion curve of latent positions, in the score's unit.

    The curves are piecewise linear between at most `POINTS` + 1 shares of the positions, from 0 to 1.

    Args:
        objective: latents to scores.
        latents: float [N,C,h,w].
        maps: float [N,h,w]; positions are inserted, or deleted (made blank), in descending order of these
            values; of equal ones the first in reading order comes first.
        blank: float [N,C,h,w], or [1,C,h,w] for all.

    Returns:
        Two of float [N].
    """
    positions = maps[0].numel()
    rank = maps.flatten(1).argsort(dim=1, descending=True, stable=True).argsort(dim=1).view(maps.shape)
    share = torch.linspace(0, positions, min(POINTS, positions) + 1).round().to(torch.int64)
    first = [(rank < n)[:, None] for n in share.tolist()]
    inserted = torch.stack([objective(torch.where(chosen, latents, blank)) for chosen in first])
    between = [objective(torch.where(chosen, blank, latents)) for chosen in first[1:-1]]
    deleted = torch.stack([inserted[-1], *between, inserted[0]])
    at = (share / positions).to(inserted)
    return torch.trapezoid(inserted, at, dim=0), torch.trapezoid(deleted, at, dim=0)
