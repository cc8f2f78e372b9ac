"""The gradient of a batch from those of its parts."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from irislib import ranks
from irislib.agent.dropout import dropout_from
from irislib.training.objectives import PartLosses
from irislib.training.parts import Division, Part, Pool


class PartLearner:
    """Computes gradients of batches, and adds up their losses over an epoch.

    Args:
        parameters: of the component that learns.
        division: of its batches.
        streams: what dropout draws from, by the number of the part.
        pool: computes this rank's parts side by side.
    """

    def __init__(
        self,
        parameters: list[nn.Parameter],
        division: Division,
        streams: dict[int, torch.Generator | None],
        pool: Pool,
    ) -> None:
        self.parameters, self.division, self.streams, self.pool = parameters, division, streams, pool
        self.names: list[str] = []
        self.latest: dict[int, Tensor] = {}  # losses of the latest batch, by the number of the part
        self.sums: dict[int, Tensor] = {}  # the same, summed over the batches so far

    def set_gradient(self, losses: PartLosses) -> None:
        """Sets the parameters' `grad` to that of a batch's loss, on every rank, in the order of the parts."""
        gradients = dict(self.pool.map(lambda part: self._gradient(part, losses), self.division.own))
        total = ranks.sum_in_order(gradients, self.division.owners)
        pieces = total.split([parameter.numel() for parameter in self.parameters])
        for parameter, piece in zip(self.parameters, pieces, strict=True):
            # Fused optimizers walk through memory: a gradient must lie there as its parameter does.
            parameter.grad = torch.empty_like(parameter).copy_(piece.view_as(parameter))

    def _gradient(self, part: Part, losses: PartLosses) -> tuple[int, Float[Tensor, " weights"]]:
        """The part's number and its share of the gradient, as one vector."""
        with dropout_from(self.streams[part.number]):
            values = losses(part)
        total = torch.stack(list(values.values())).sum()
        gradients = torch.autograd.grad(total, self.parameters)
        self.names = ["total", *values]
        latest = torch.stack([total, *values.values()]).detach()
        self.latest[part.number] = latest
        self.sums[part.number] = latest + self.sums.get(part.number, torch.zeros_like(latest))
        return part.number, torch.cat([gradient.flatten() for gradient in gradients])

    def last_loss(self) -> float:
        """The latest batch's loss, judged by this rank's parts."""
        share = sum(part.size for part in self.division.own) / self.division.size
        return float(torch.stack([losses[0] for losses in self.latest.values()]).sum()) / share

    def mean_losses(self, batches: int) -> dict[str, float]:
        """The means over that many batches, "total" among them; the same on every rank."""
        means = ranks.sum_in_order(self.sums, self.division.owners) / batches
        return dict(zip(self.names, means.tolist(), strict=True))
