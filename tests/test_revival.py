"""Codes that are not used are moved to where the encoder's outputs are."""

import pytest
import torch
from test_quantizers import make, outputs
from tiny import QUANTIZERS, TOKENIZER
from torch import Tensor
from torch.nn import functional as F

from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.quantizers import FreeCodebook, Quantized
from irislib.tokenizers.quantizers.config import RevivedBy
from irislib.tokenizers.quantizers.ema import EMAQuantizer
from irislib.tokenizers.revival import Revival, drawn_by_distance


@pytest.fixture(params=["vq", "ema", "cosine"])
def free(request: pytest.FixtureRequest) -> FreeCodebook:
    quantizer = make(QUANTIZERS[str(request.param)])
    assert isinstance(quantizer, FreeCodebook)
    return quantizer


def revive(quantizer: FreeCodebook, *parts: Quantized, by: RevivedBy = "chance") -> Tensor:
    """The codebook after a revival at the second batch, the first with the first part alone."""
    revival = Revival(quantizer, torch.optim.Adam(Tokenizer(TOKENIZER, (64, 64)).parameters()), 2, by, 0)
    revival.after_batch(parts[:1])
    revival.after_batch(parts)
    return quantizer.codebook.detach().clone()


@pytest.mark.parametrize("by", ["chance", "distance"])
def test_revival_of_a_batch_in_parts_is_that_of_the_whole(free: FreeCodebook, by: RevivedBy) -> None:
    parts = [free.quantize(z) for z in outputs(QUANTIZERS["vq"], 4).split(1)]
    z, codes, tokens = (
        torch.cat([getattr(p, name) for p in parts]) for name in ("z", "z_quantized", "tokens")
    )
    state = {name: value.clone() for name, value in free.state_dict().items()}
    before = free.codebook.detach().clone()
    once = revive(free, Quantized(z, codes, tokens), by=by)
    free.load_state_dict(state)
    assert torch.equal(revive(free, *parts, by=by), once)
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
    Revival(free, optimizer, 1, "chance", 0).after_batch([out])
    idle = torch.ones(32).bool()
    idle[out.tokens.flatten()] = False
    if isinstance(free, EMAQuantizer):
        assert (free.cluster_size[idle] == 1).all() and (free.cluster_size[~idle] != 1).any()
    for parameter in free.parameters():
        moment = optimizer.state[parameter]["exp_avg"]
        assert not moment[idle].any() and moment[~idle].any()


def patches(common: int) -> tuple[Tensor, Tensor]:
    """Outputs: a common patch, one like it to a hair, three rare ones; and the code of the common one."""
    rare = torch.tensor([[0.0, 3.0], [4.0, 0.0], [0.0, -5.0]])
    outputs = torch.cat([torch.zeros(common, 2), torch.full((1, 2), 1e-4), rare])
    return outputs, torch.zeros(1, 2)


@pytest.mark.parametrize("seed", range(5))
def test_drawn_by_distance_each_rare_patch_gets_one_code_and_the_common_one_none(seed: int) -> None:
    outputs, codes = patches(common=200)
    drawn = drawn_by_distance(outputs, codes, 50, torch.Generator().manual_seed(seed))
    assert sorted(drawn.tolist()) == [201, 202, 203]


def test_drawn_by_distance_the_farthest_comes_first_most_often() -> None:
    """With the square of the distance: 25 to 16 to 9."""
    outputs, codes = patches(common=200)
    first = [
        int(drawn_by_distance(outputs, codes, 1, torch.Generator().manual_seed(seed))) for seed in range(2000)
    ]
    shares = torch.tensor([first.count(row) for row in (201, 202, 203)]) / 2000
    torch.testing.assert_close(shares, torch.tensor([9.0, 16.0, 25.0]) / 50, atol=0.04, rtol=0)


def test_where_every_output_is_served_only_revival_by_chance_moves_codes() -> None:
    """It makes copies of the codes in use, and which copy gets the token is a lottery."""
    quantizer = make(QUANTIZERS["vq"])
    assert isinstance(quantizer, FreeCodebook)
    before = quantizer.codebook.detach().clone()
    served = quantizer.quantize(before[:5].T[None, :, :, None])
    assert torch.equal(revive(quantizer, served, by="distance"), before)
    copies = revive(quantizer, served, by="chance")
    assert torch.equal(copies[:5], before[:5]) and len(copies.unique(dim=0)) == 5
