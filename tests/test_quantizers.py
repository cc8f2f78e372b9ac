"""The vector quantizer, its options, and the revival of its idle codes."""

from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from tiny import CONFIG, TOKENIZER, TRAIN
from torch import Tensor

from irislib.agent.config import TrainConfig
from irislib.errors import ParamError
from irislib.params import parse_value
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.quantizers import Quantized, VectorQuantizer
from irislib.tokenizers.revival import Revival


@pytest.fixture
def quantizer() -> VectorQuantizer:
    torch.manual_seed(0)
    quantizer = VectorQuantizer(VectorQuantizerConfig("vq", 32, 8, 0))
    torch.nn.init.normal_(quantizer.codebook)
    return quantizer


def outputs(n: int = 2) -> Tensor:
    return torch.randn(n, 8, 4, 3, generator=torch.manual_seed(1)).requires_grad_()


def test_each_output_becomes_its_nearest_code(quantizer: VectorQuantizer) -> None:
    out = quantizer.quantize(outputs())
    flat = out.z.movedim(1, -1).reshape(-1, 8)
    assert torch.equal(out.tokens.flatten(), torch.cdist(flat, quantizer.codebook).argmin(1))
    torch.testing.assert_close(out.z_quantized, quantizer.embed(out.tokens))


def test_the_gradient_passes_straight_through(quantizer: VectorQuantizer) -> None:
    z, slope = outputs(), torch.randn(2, 8, 4, 3)
    (quantizer.quantize(z).z_quantized * slope).sum().backward()
    assert z.grad is not None
    torch.testing.assert_close(z.grad, slope)
    assert quantizer.codebook.grad is None


def test_one_loss_moves_codes_and_the_other_outputs(quantizer: VectorQuantizer) -> None:
    z = outputs()
    losses = quantizer.quantize(z).losses
    losses["codebook"].backward()
    assert z.grad is None and quantizer.codebook.grad is not None
    before = quantizer.codebook.grad.clone()
    losses["commitment"].backward()
    assert z.grad is not None and torch.equal(before, quantizer.codebook.grad)
    torch.testing.assert_close(losses["codebook"], losses["commitment"])


def test_nothing_is_drawn_and_a_batch_is_its_parts() -> None:
    """Training computes the losses of equal parts of a batch, each on a thread."""
    tokenizer = Tokenizer(TOKENIZER, CONFIG.frame)
    frames = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8)
    state = torch.get_rng_state()
    whole, out = tokenizer.losses(frames)
    parts = [tokenizer.losses(part) for part in frames.split(2)]
    assert torch.equal(state, torch.get_rng_state())
    for name, loss in whole.items():
        torch.testing.assert_close(torch.stack([losses[name] for losses, _ in parts]).mean(), loss)
    assert torch.equal(torch.cat([q.tokens for _, q in parts]), out.tokens)


def test_nothing_is_zero(quantizer: VectorQuantizer) -> None:
    assert torch.equal(quantizer.blank, torch.zeros(8))


def revive(quantizer: VectorQuantizer, *parts: Quantized) -> Tensor:
    """The codebook after a revival at the second batch, the first with the first part alone."""
    optimizer = torch.optim.Adam(quantizer.parameters())
    revival = Revival(quantizer, optimizer, after=2, seed=0)
    revival.observe(parts[0])
    revival.observe(*parts)
    return quantizer.codebook.detach().clone()


def test_revival_of_a_batch_in_parts_is_that_of_the_whole(quantizer: VectorQuantizer) -> None:
    parts = [quantizer.quantize(z) for z in outputs(4).split(1)]
    z, codes, tokens = (
        torch.cat([getattr(p, name) for p in parts]) for name in ("z", "z_quantized", "tokens")
    )
    whole, before = Quantized(z, codes, tokens), quantizer.codebook.detach().clone()
    once = revive(quantizer, whole)
    quantizer.codebook.data.copy_(before)
    assert torch.equal(revive(quantizer, *parts), once)
    used = whole.tokens.unique()
    assert torch.equal(before[used], once[used]) and not torch.equal(before, once)


def parse(**changes: Any) -> IrisConfig:
    values = asdict(CONFIG.tokenizer)
    values["quantizer"] |= changes
    return parse_value(values, "train.tokenizer", IrisConfig)


def test_a_quantizers_options_come_back() -> None:
    config = parse(vocab_size=9)
    assert config == replace(TOKENIZER, quantizer=VectorQuantizerConfig("vq", 9, 8, 3))
    assert (config.vocab_size, config.embed_dim) == (9, 8)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"kind": "fsq"}, "train.tokenizer.quantizer.kind: must be one of vq, not 'fsq'"),
        ({"kind": None}, "train.tokenizer.quantizer.kind: must be one of vq, not None"),
        ({"levels": [8, 5]}, "train.tokenizer.quantizer.levels: unknown parameter"),
        ({"vocab_size": 1}, "train.tokenizer.quantizer.vocab_size: "),
        ({"vocab_size": 40000}, "train.tokenizer.quantizer.vocab_size: "),
        ({"embed_dim": 8.5}, "train.tokenizer.quantizer.embed_dim: "),
        ({"revive_after": -1}, "train.tokenizer.quantizer.revive_after: "),
    ],
)
def test_a_mistake_is_one_line_led_by_its_full_key(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ParamError) as raised:
        parse(**changes)
    assert str(raised.value).startswith(complaint) and "\n" not in str(raised.value)


def test_revival_must_fit_an_epoch() -> None:
    values = asdict(TRAIN)
    values["tokenizer"]["quantizer"]["revive_after"] = 7
    with pytest.raises(ParamError, match=r"^train\.tokenizer\.quantizer\.revive_after: 7 .* epoch has 6"):
        parse_value(values, "train", TrainConfig)


def test_sizes_stay_and_what_learning_needs_is_taken_over() -> None:
    other = IrisConfig(VectorQuantizerConfig("vq", 5, 2, 4), 1, 2, (1,), 1, (), 0.5, 2.0)
    learnt = CONFIG.tokenizer.learn_as(other)
    assert learnt == replace(
        CONFIG.tokenizer, quantizer=VectorQuantizerConfig("vq", 32, 8, 4), lpips=0.5, squared_error=2.0
    )
