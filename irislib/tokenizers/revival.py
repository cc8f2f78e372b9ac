"""Codes that nobody uses are moved to where the encoder's outputs are.

A codebook that starts at the origin collapses to a dozen codes and takes epochs to recover; a laptop's
few gradient steps never see that. Re-seeding idle codes (Dhariwal et al. 2020, arXiv 2005.00341, section 3.1)
is not part of IRIS, so the paper's profile leaves it off.
"""

import torch
from torch.optim import Optimizer

from irislib import ranks
from irislib.tokenizers.iris import Quantized, Tokenizer


class Revival:
    """Counts which codes are used and moves the others every `after` batches.

    Args:
        optimizer: the tokenizer's; its moments for a moved code start anew.
        after: batches without any use after which a code is moved; 0 never moves one.
        seed: of the draws of where to.
    """

    def __init__(self, tokenizer: Tokenizer, optimizer: Optimizer, after: int, seed: int) -> None:
        self.tokenizer, self.optimizer, self.after = tokenizer, optimizer, after
        self.generator = torch.Generator().manual_seed(seed)
        self.used = torch.zeros(len(tokenizer.codebook), dtype=torch.bool, device=tokenizer.codebook.device)
        self.batches = 0

    @torch.no_grad()
    def observe(self, quantized: Quantized) -> None:
        """Notes a batch; moves idle codes to encoder outputs of it when it is time.

        May be called between forward and backward pass: idle codes have no part in the batch's gradient.
        """
        if not self.after:
            return
        self.used[quantized.tokens.flatten()] = True
        self.batches += 1
        if self.batches % self.after:
            return
        outputs = ranks.gather(quantized.z.movedim(1, -1).flatten(0, 2).float())
        idle = torch.nonzero(ranks.mean(self.used.float()) == 0).flatten()
        drawn = torch.randint(len(outputs), idle.shape, generator=self.generator).to(idle.device)
        self.tokenizer.codebook.data[idle] = outputs[drawn]
        for moment in self.optimizer.state[self.tokenizer.codebook].values():
            if moment.shape == self.tokenizer.codebook.shape:
                moment[idle] = 0
        self.used.zero_()
