"""Draws from categorical distributions that do not depend on how a batch is divided."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


class Sampler:
    """Draws one category a row; the rows of one part get the draws that they would get in the whole batch.

    Args:
        seed: of the random stream.
        batch: rows of the whole batch.
        rows: those that are drawn for here.
    """

    def __init__(self, seed: int, batch: int, rows: slice, device: torch.device) -> None:
        self.generator = torch.Generator(device).manual_seed(seed)
        self.batch, self.rows = batch, rows

    def __call__(self, logits: Float[Tensor, "b *places classes"]) -> Int64[Tensor, "b *places"]:
        """Gumbel-max sampling of a category for each row of logits, and each place in it."""
        exponential = torch.empty(self.batch, *logits.shape[1:], device=logits.device)
        exponential.exponential_(generator=self.generator)
        return (logits.float() - exponential[self.rows].log()).argmax(-1)
