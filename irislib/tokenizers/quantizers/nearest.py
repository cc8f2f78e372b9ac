"""What quantizers that look for the nearest code have in common."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


@torch.no_grad()
def nearest_codes(
    z: Float[Tensor, "n channels h w"], codebook: Float[Tensor, "codes channels"]
) -> Int64[Tensor, "n h w"]:
    """The tokens, int64 [N,h,w], of the codes [K,C] with the smallest Euclidean distance to `z`.

    Among equally near codes it is the first. `z` float32 [N,C,h,w].
    """
    flat = z.detach().movedim(1, -1).reshape(-1, z.shape[1])
    with torch.autocast(z.device.type, enabled=False):
        # |z|^2 is the same for every code, so it cannot change which is nearest.
        distance = codebook.square().sum(1) - 2 * flat @ codebook.T
    return distance.argmin(1).view(len(z), *z.shape[2:])


def straight_through(
    z: Float[Tensor, "n channels h w"], codes: Float[Tensor, "n channels h w"]
) -> Float[Tensor, "n channels h w"]:
    """The codes, whose gradient is handed to `z` unchanged (Bengio et al. 2013, arXiv 1308.3432)."""
    return z + (codes - z).detach()
