"""Numbers as distributions over buckets of their logarithm (Hafner et al. 2023, arXiv 2301.04104)."""

import torch
from jaxtyping import Float
from torch import Tensor

BUCKETS, LIMIT = 255, 20.0  # evenly spaced from -LIMIT to LIMIT


def symlog(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """sign(x) ln(|x| + 1)."""
    return x.sign() * x.abs().log1p()


def two_hot(x: Float[Tensor, "..."]) -> Float[Tensor, "... buckets"]:
    """The weights of both buckets beside symlog(x), so that their mean is symlog(x); they sum to 1."""
    place = (symlog(x).clamp(-LIMIT, LIMIT) + LIMIT) * ((BUCKETS - 1) / (2 * LIMIT))
    low = place.floor().clamp(0, BUCKETS - 2)
    share = (place - low)[..., None]
    hot = x.new_zeros(*x.shape, BUCKETS)
    index = low.long()[..., None]
    return hot.scatter(-1, torch.cat([index, index + 1], -1), torch.cat([1 - share, share], -1))


def mean_of(logits: Float[Tensor, "... buckets"]) -> Float[Tensor, "..."]:
    """The number that logits stand for: symexp of the buckets' mean."""
    buckets = torch.linspace(-LIMIT, LIMIT, BUCKETS, device=logits.device)
    mean = logits.softmax(-1) @ buckets
    return mean.sign() * mean.abs().expm1()
