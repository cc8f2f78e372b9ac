"""Codes that are not used are moved to where the encoder's outputs are."""

import pytest
import torch
from test_quantizers import make, outputs
from tiny import QUANTIZERS, TOKENIZER
from torch import Tensor
from torch.nn import functional as F

from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.quantizers import FreeCodebook, Quantized
from irislib.tokenizers.quantizers.ema import EMAQuantizer
from irislib.tokenizers.revival import Revival


@pytest.fixture(params=["vq", "ema", "cosine"])
def free(request: pytest.FixtureRequest) -> FreeCodebook:
    quantizer = make(QUANTIZERS[str(request.param)])
    assert isinstance(quantizer, FreeCodebook)
    return quantizer


def revive(quantizer: FreeCodebook, *parts: Quantized) -> Tensor:
    """The codebook after a revival at the second batch, the first with the first part alone."""
    revival = Revival(quantizer, torch.optim.Adam(Tokenizer(TOKENIZER, (64, 64)).parameters()), 2, 0)
    revival.after_batch(parts[:1])
    revival.after_batch(parts)
    return quantizer.codebook.detach().clone()


def test_revival_of_a_batch_in_parts_is_that_of_the_whole(free: FreeCodebook) -> None:
    parts = [free.quantize(z) for z in outputs(QUANTIZERS["vq"], 4).split(1)]
    z, codes, tokens = (
        torch.cat([getattr(p, name) for p in parts]) for name in ("z", "z_quantized", "tokens")
    )
    state = {name: value.clone() for name, value in free.state_dict().items()}
    before = free.codebook.detach().clone()
    once = revive(free, Quantized(z, codes, tokens))
    free.load_state_dict(state)
    assert torch.equal(revive(free, *parts), once)
    used, idle = tokens.unique(), torch.ones(32).bool()
    idle[used] = False
    assert torch.equal(before[used], once[used]) and idle.any()
    places = z.movedim(1, -1).reshape(-1, 8)
    if free.codebook.norm(dim=1).allclose(torch.ones(32)):
        places = F.normalize(places)
    distance = (once[idle][:, None] - places).norm(dim=2).amin(1)
    torch.testing.assert_close(distance, torch.zeros_like(distance))


def test_a_revived_code_begins_anew(free: FreeCodebook) -> None:
    """Its optimizer's moments are zero, or its moving average is that of a single output."""
    optimizer = torch.optim.Adam([*free.parameters(), torch.nn.Parameter(torch.zeros(1))])
    out = free.quantize(outputs(QUANTIZERS["vq"]))
    if "codebook" in out.losses:
        free.quantize(torch.randn(9, 8, 9, 9)).losses["codebook"].backward()
        optimizer.step()
    free.after_batch([out])
    Revival(free, optimizer, 1, 0).after_batch([out])
    idle = torch.ones(32).bool()
    idle[out.tokens.flatten()] = False
    if isinstance(free, EMAQuantizer):
        assert (free.cluster_size[idle] == 1).all() and (free.cluster_size[~idle] != 1).any()
    for parameter in free.parameters():
        moment = optimizer.state[parameter]["exp_avg"]
        assert not moment[idle].any() and moment[~idle].any()
