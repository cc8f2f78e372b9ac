"""Revival: codes that are not used are moved to where the encoder's outputs are.

A codebook that starts near the origin collapses to a dozen codes, and needs epochs to recover; a laptop's few
gradient steps are not enough. Moving idle codes (Dhariwal et al. 2020, arXiv 2005.00341, section 3.1) is not
part of IRIS, so the profile `paper` leaves it off.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.optim import Optimizer

from irislib import ranks
from irislib.tokenizers.quantizers import FreeCodebook, Quantized
from irislib.tokenizers.quantizers.config import RevivedBy

# Of the outputs' variance: an output whose squared distance from a code in use is smaller needs no other.
SERVED = 0.002


class Revival:
    """Counts which codes are used, and moves the others every `after` batches.

    By chance, each idle code takes the place of any output of the last batch. Most outputs are those of the
    commonest patches, which have codes already: the moved code is a copy of one in use and takes over its
    tokens, so that a world model must learn the common patches anew. By distance, outputs are drawn as the
    centres of k-means++ are (Arthur and Vassilvitskii 2007): with a probability that grows with the square of
    the distance from the nearest code in use, and never one that a code serves already. Then idle codes go to
    what no code shows, and those that nothing needs stay where they are.

    Args:
        quantizer: whose codes are moved.
        optimizer: of the tokenizer; its moments for a moved code start anew.
        after: batches without any use after which a code is moved; 0 never moves one.
        by: `chance` or `distance`.
        seed: of the random choice of encoder outputs.
    """

    def __init__(
        self, quantizer: FreeCodebook, optimizer: Optimizer, after: int, by: RevivedBy, seed: int
    ) -> None:
        self.quantizer, self.optimizer, self.after, self.by = quantizer, optimizer, after, by
        self.generator = torch.Generator().manual_seed(seed)
        codebook = quantizer.codebook
        self.used = torch.zeros(len(codebook), dtype=torch.bool, device=codebook.device)
        self.batches = 0

    @torch.no_grad()
    def after_batch(self, parts: Sequence[Quantized]) -> None:
        """Notes a batch, given as its parts in order; every `after` batches moves idle codes.

        A code is idle if none of these batches used it; it is moved to an encoder output of the last one.
        May be called between forward and backward pass: idle codes have no part in the gradient.
        """
        if not self.after:
            return
        for part in parts:
            self.used[part.tokens.flatten()] = True
        self.batches += 1
        if self.batches % self.after:
            return
        z = torch.cat([part.z for part in parts])
        outputs = ranks.gather(z.movedim(1, -1).flatten(0, 2).float())
        used = ranks.mean(self.used.float()) > 0
        idle = torch.nonzero(~used).flatten()
        if self.by == "distance":
            codes = self.quantizer.codebook[used].float()
            places = drawn_by_distance(outputs, codes, len(idle), self.generator).to(idle.device)
            idle = idle[: len(places)]
        else:
            places = torch.randint(len(outputs), idle.shape, generator=self.generator).to(idle.device)
        self.quantizer.move_codes(idle, outputs[places])
        for parameter in self.quantizer.parameters():
            for moment in self.optimizer.state[parameter].values():
                if moment.shape == parameter.shape:
                    moment[idle] = 0
        self.used.zero_()


def drawn_by_distance(
    outputs: Float[Tensor, "n channels"],
    codes: Float[Tensor, "used channels"],
    most: int,
    generator: torch.Generator,
) -> Int64[Tensor, " drawn"]:
    """Indices of outputs that codes should be moved to, on the CPU; see `Revival`.

    Each draw counts for the next, as if a code were there already. There are fewer than `most`, or none,
    where every output is served.
    """
    outputs, codes = outputs.cpu(), codes.cpu()
    nearest = torch.cdist(outputs, codes, compute_mode="donot_use_mm_for_euclid_dist").amin(1).square()
    least = SERVED * outputs.var(0).sum()
    drawn: list[int] = []
    while len(drawn) < most and (nearest > least).any():
        weights = torch.where(nearest > least, nearest, 0).double()
        drawn.append(int(torch.multinomial(weights, 1, generator=generator)))
        nearest = torch.minimum(nearest, (outputs - outputs[drawn[-1]]).square().sum(1))
    return torch.tensor(drawn, dtype=torch.int64)
