"""Revival: codes that are not used are moved to where the encoder's outputs are.

A codebook that starts near the origin collapses to a dozen codes, and needs epochs to recover; a laptop's few
gradient steps are not enough. Moving idle codes (Dhariwal et al. 2020, arXiv 2005.00341, section 3.1) is not
part of IRIS, so the profile `paper` leaves it off.
"""

from collections.abc import Sequence

import torch
from torch.optim import Optimizer

from irislib import ranks
from irislib.tokenizers.quantizers import FreeCodebook, Quantized


class Revival:
    """Counts which codes are used, and moves the others every `after` batches.

    Args:
        quantizer: whose codes are moved.
        optimizer: of the tokenizer; its moments for a moved code start anew.
        after: batches without any use after which a code is moved; 0 never moves one.
        seed: of the random choice of encoder outputs.
    """

    def __init__(self, quantizer: FreeCodebook, optimizer: Optimizer, after: int, seed: int) -> None:
        self.quantizer, self.optimizer, self.after = quantizer, optimizer, after
        self.generator = torch.Generator().manual_seed(seed)
        codebook = quantizer.codebook
        self.used = torch.zeros(len(codebook), dtype=torch.bool, device=codebook.device)
        self.batches = 0

    @torch.no_grad()
    def after_batch(self, parts: Sequence[Quantized]) -> None:
        """Notes a batch, given as its parts in order; every `after` batches moves idle codes.

        A code is idle if none of these batches used it; it is moved to a random encoder output of the last
        one. May be called between forward and backward pass: idle codes have no part in the gradient.
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
        idle = torch.nonzero(ranks.mean(self.used.float()) == 0).flatten()
        drawn = torch.randint(len(outputs), idle.shape, generator=self.generator).to(idle.device)
        self.quantizer.move_codes(idle, outputs[drawn])
        for parameter in self.quantizer.parameters():
            for moment in self.optimizer.state[parameter].values():
                if moment.shape == parameter.shape:
                    moment[idle] = 0
        self.used.zero_()
