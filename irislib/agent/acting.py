"""How actions are drawn from a policy's logits."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64
from torch import Tensor


def draw_actions(
    logits: Float[Tensor, "b actions"], rngs: Sequence[np.random.Generator], temperature: float
) -> Int64[np.ndarray, " b"]:
    """Samples an action from each row of the policy's logits.

    Args:
        logits: float [B,A].
        rngs: one stream a row, so that a row's draws do not depend on its neighbours.
        temperature: of the softmax.
    """
    cumulative = (logits / temperature).double().softmax(1).cpu().numpy().cumsum(1)
    draws = [
        np.searchsorted(row, rng.random() * row[-1], "right")
        for row, rng in zip(cumulative, rngs, strict=True)
    ]
    actions: np.ndarray = np.minimum(draws, cumulative.shape[1] - 1).astype(np.int64)
    return actions
