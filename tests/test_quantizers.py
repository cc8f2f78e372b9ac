"""What every kind of quantizer must do, and how each kind's codes learn."""

from dataclasses import replace

import pytest
import torch
from tiny import CONFIG, QUANTIZERS, TOKENIZER
from torch import Tensor

from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.load import tokenizer_digest
from irislib.tokenizers.quantizers import Quantizer, make_quantizer
from irislib.tokenizers.quantizers.config import (
    CosineQuantizerConfig,
    EMAQuantizerConfig,
    FSQConfig,
    LFQConfig,
    QuantizerConfig,
    SimVQConfig,
    VectorQuantizerConfig,
)
from irislib.tokenizers.quantizers.ema import EMAQuantizer

LEARNT_BY_GRADIENTS = {"vq": "embedding.weight", "cosine": "directions", "simvq": "transform.weight"}


@pytest.fixture(params=QUANTIZERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make(config: QuantizerConfig) -> Quantizer:
    torch.manual_seed(0)
    quantizer = make_quantizer(config)
    quantizer.initialize()
    if isinstance(config, VectorQuantizerConfig):  # IRIS begins too near to the origin for any choice
        torch.nn.init.normal_(quantizer.codebook)
    return quantizer


def outputs(config: QuantizerConfig, n: int = 2) -> Tensor:
    return torch.randn(n, config.embed_dim, 4, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()


# Every kind


def test_a_token_is_a_code_and_the_decoder_is_given_it(kind: str) -> None:
    quantizer = make(QUANTIZERS[kind])
    out = quantizer.quantize(outputs(QUANTIZERS[kind]))
    assert out.tokens.dtype == torch.int64 and out.tokens.shape == (2, 4, 3)
    assert len(out.tokens.unique()) > 5
    codes = quantizer.codebook[out.tokens].movedim(-1, 1)
    assert torch.equal(quantizer.embed(out.tokens), codes)
    torch.testing.assert_close(out.z_quantized, codes)


def test_every_code_comes_back(kind: str) -> None:
    """The code itself as the encoder's output; in FSQ, which bounds outputs, what is bounded to it."""
    config = QUANTIZERS[kind]
    quantizer, tokens = make(config), torch.arange(32).view(2, 4, 4)
    z = quantizer.embed(tokens)
    if isinstance(config, FSQConfig):
        levels = torch.tensor(config.levels)[:, None, None]
        half, offset = (levels - 1) * 1.001 / 2, 0.5  # both numbers of levels are even
        z = torch.atanh((z * (levels // 2) + offset) / half) - torch.atanh(offset / half)
    assert torch.equal(quantizer.quantize(z).tokens, tokens)


def test_a_token_depends_on_its_own_position_alone(kind: str) -> None:
    quantizer, z = make(QUANTIZERS[kind]), outputs(QUANTIZERS[kind], 3).detach()
    before = quantizer.quantize(z)
    other = z.clone()
    other[1, :, 2, 1] *= -3
    after = quantizer.quantize(other)
    changed = (before.z_quantized != after.z_quantized).any(1)
    assert changed.nonzero().tolist() == [[1, 2, 1]] and before.tokens[1, 2, 1] != after.tokens[1, 2, 1]
    assert torch.equal(quantizer.quantize(z.flip(0, 3)).tokens, before.tokens.flip(0, 2))


def test_nothing_is_drawn_and_the_losses_of_a_batch_are_the_mean_over_its_parts(kind: str) -> None:
    """Training computes the losses of equal parts of a batch, each on a thread."""
    tokenizer = Tokenizer(replace(TOKENIZER, quantizer=QUANTIZERS[kind]), CONFIG.frame)
    frames = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8)
    state = torch.get_rng_state()
    whole, out = tokenizer.losses(frames)
    parts = [tokenizer.losses(part) for part in frames.split(2)]
    assert torch.equal(state, torch.get_rng_state())
    for name, loss in whole.items():
        if name != "entropy":  # of the mean distribution, which is not a mean of entropies
            torch.testing.assert_close(torch.stack([losses[name] for losses, _ in parts]).mean(), loss)
    assert torch.equal(torch.cat([q.tokens for _, q in parts]), out.tokens)


def test_bfloat16_around_it_changes_no_token(kind: str) -> None:
    quantizer, z = make(QUANTIZERS[kind]), outputs(QUANTIZERS[kind]).detach().bfloat16()
    exact = quantizer.quantize(z.float())
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        out, embedded = quantizer.quantize(z), quantizer.embed(exact.tokens)
        assert quantizer.codebook.dtype == quantizer.blank.dtype == torch.float32
    assert torch.equal(out.tokens, exact.tokens) and torch.equal(out.z_quantized, exact.z_quantized)
    assert torch.equal(embedded, quantizer.embed(exact.tokens))
    assert {name: loss.dtype for name, loss in out.losses.items()} == dict.fromkeys(
        exact.losses, torch.float32
    )


@pytest.mark.parametrize("size", [64, 512, 4096])
@pytest.mark.parametrize("kind", QUANTIZERS)
def test_codebooks_of_the_study_have_that_many_different_codes(kind: str, size: int) -> None:
    levels = {64: (8, 8), 512: (8, 8, 8), 4096: (8, 8, 8, 8)}[size]
    configs: dict[str, QuantizerConfig] = {
        "vq": VectorQuantizerConfig("vq", size, 16, 0),
        "ema": EMAQuantizerConfig("ema", size, 16, 0),
        "cosine": CosineQuantizerConfig("cosine", size, 16, 0),
        "fsq": FSQConfig("fsq", levels),
        "lfq": LFQConfig("lfq", size),
        "simvq": SimVQConfig("simvq", size, 16),
    }
    config = configs[kind]
    quantizer = make(config)
    assert quantizer.codebook.shape == (config.vocab_size, config.embed_dim) and config.vocab_size == size
    assert len(quantizer.codebook.unique(dim=0)) == size
    assert int(quantizer.quantize(outputs(config, 20)).tokens.max()) < size


BLANKS = [*QUANTIZERS.values(), *(FSQConfig("fsq", levels) for levels in [(3,), (5, 5, 5), (7, 4), (4, 4)])]


@pytest.mark.parametrize("config", BLANKS, ids=str)
def test_blank_is_no_code(config: QuantizerConfig) -> None:
    quantizer = make(config)
    blank = quantizer.blank
    assert blank.shape == (config.embed_dim,)
    assert (quantizer.codebook - blank).norm(dim=1).min() > 0.1
    if isinstance(config, FSQConfig):
        # The origin is a code, so blank is not zero; and every level is half a level away, or farther.
        assert (quantizer.codebook == 0).all(1).any()
        steps = (quantizer.codebook - blank).abs() * (torch.tensor(config.levels) // 2)
        torch.testing.assert_close(steps.amin(0), torch.full_like(blank, 0.5))
    else:
        assert torch.equal(blank, torch.zeros_like(blank))


def test_the_state_tells_what_tokens_depend_on(kind: str) -> None:
    """Stale tokens are found by the digest of the state; weights are stored as floating-point numbers."""
    quantizer, twin = make(QUANTIZERS[kind]), make_quantizer(QUANTIZERS[kind])
    assert all(value.dtype == torch.float32 for value in quantizer.state_dict().values())
    twin.load_state_dict(quantizer.state_dict())
    z = outputs(QUANTIZERS[kind])
    assert torch.equal(twin.quantize(z).tokens, quantizer.quantize(z).tokens)


def test_equal_weights_of_other_kinds_have_another_digest() -> None:
    digests = set()
    configs = [*QUANTIZERS.values(), FSQConfig("fsq", (4, 8)), EMAQuantizerConfig("ema", 32, 8, 0)]
    for config in configs:
        tokenizer = Tokenizer(replace(TOKENIZER, quantizer=config), CONFIG.frame)
        for weight in [*tokenizer.parameters(), *make_quantizer(config).parameters()]:
            weight.data.fill_(0.5)
        for buffer in ("means", "frozen"):
            if hasattr(tokenizer.quantizer, buffer):
                getattr(tokenizer.quantizer, buffer).fill_(0.5)
        digests.add(tokenizer_digest(tokenizer))
    assert len(digests) == len(configs) - 1  # options of learning do not count


# How codes learn


def test_the_gradient_passes_straight_through(kind: str) -> None:
    config = QUANTIZERS[kind]
    quantizer, z = make(config), outputs(config)
    slope = torch.randn_like(z)
    (quantizer.quantize(z).z_quantized * slope).sum().backward()
    expected, unit = slope, z.detach().norm(dim=1, keepdim=True)
    if kind == "cosine":  # through the division by the length
        direction = z.detach() / unit
        expected = (slope - direction * (slope * direction).sum(1, keepdim=True)) / unit
    if isinstance(config, FSQConfig):  # through the bound
        levels = torch.tensor(config.levels)[:, None, None]
        half = (levels - 1) * 1.001 / 2
        slant = 1 - torch.tanh(z.detach() + torch.atanh(0.5 / half)).square()
        expected = slope * slant * half / (levels // 2)
    torch.testing.assert_close(z.grad, expected)
    assert all(parameter.grad is None for parameter in quantizer.parameters())


def test_one_loss_moves_codes_and_the_other_outputs(kind: str) -> None:
    quantizer, z = make(QUANTIZERS[kind]), outputs(QUANTIZERS[kind])
    losses = quantizer.quantize(z).losses
    learnt = dict(quantizer.named_parameters())
    assert list(learnt) == ([LEARNT_BY_GRADIENTS[kind]] if kind in LEARNT_BY_GRADIENTS else [])
    assert ("codebook" in losses) == bool(learnt) and ("commitment" in losses) == (kind != "fsq")
    if learnt:
        (weight,) = learnt.values()
        gradients = torch.autograd.grad(losses["codebook"], [z, weight], retain_graph=True, allow_unused=True)
        assert [gradient is not None for gradient in gradients] == [False, True]
        losses["codebook"].backward()
        assert weight.grad is not None and weight.grad.abs().sum() > 0
        before = weight.grad.clone()
        (slope,) = torch.autograd.grad(losses["commitment"], [z])
        assert slope.abs().sum() > 0 and torch.equal(before, weight.grad)
        beta = 1.0 if kind == "vq" else 0.25
        torch.testing.assert_close(beta * losses["codebook"], losses["commitment"])


def test_only_used_codes_move_but_in_simvq_all_do() -> None:
    for kind in LEARNT_BY_GRADIENTS:
        quantizer = make(QUANTIZERS[kind])
        before = quantizer.codebook.detach().clone()
        out = quantizer.quantize(outputs(QUANTIZERS[kind]))
        out.losses["codebook"].backward()
        for parameter in quantizer.parameters():
            assert parameter.grad is not None
            parameter.data -= parameter.grad
        used = torch.zeros(32).bool()
        used[out.tokens.flatten()] = True
        moved = (quantizer.codebook.detach() - before).abs().sum(1) > 1e-7
        assert not used.all() and torch.equal(moved, torch.ones(32).bool() if kind == "simvq" else used)


def test_codes_without_gradients_are_fixed_or_follow_their_outputs() -> None:
    for kind in ("fsq", "lfq", "ema"):
        quantizer = make(QUANTIZERS[kind])
        before = quantizer.codebook.clone()
        quantizer.after_batch([quantizer.quantize(outputs(QUANTIZERS[kind]))])
        assert torch.equal(before, quantizer.codebook) == (kind != "ema")


def test_moving_averages_are_those_of_the_paper() -> None:
    """One code at a time, in double precision, over batches in parts; and used codes near their outputs."""
    config = EMAQuantizerConfig("ema", 6, 2, 0, decay=0.7)
    quantizer = make(config)
    assert isinstance(quantizer, EMAQuantizer)
    size, total = torch.ones(6).double(), quantizer.means.double()
    for batch in range(5):
        z = torch.randn(5, 2, 4, 3, generator=torch.Generator().manual_seed(batch))
        parts = [quantizer.quantize(part) for part in z.split(2)]
        tokens = torch.cat([part.tokens for part in parts])
        for k in range(6):
            stands_for = z.movedim(1, -1)[tokens == k].double()
            size[k] = 0.7 * size[k] + 0.3 * len(stands_for)
            total[k] = 0.7 * total[k] + 0.3 * stands_for.sum(0)
        quantizer.after_batch(parts)
        smoothed = (size + 1e-5) / (size.sum() + 6e-5) * size.sum()
        torch.testing.assert_close(quantizer.cluster_size.double(), size, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(
            quantizer.codebook.double(), total / smoothed[:, None], rtol=1e-4, atol=1e-5
        )


def test_the_entropy_loss_is_least_if_each_position_is_sure_and_all_codes_are_used() -> None:
    config = LFQConfig("lfq", 8, entropy=0.5, diversity=1.0)
    quantizer = make(config)
    codes = quantizer.codebook.T[None, :, None]  # one frame of 1x8 positions

    def loss(z: Tensor) -> float:
        return float(quantizer.quantize(z).losses["entropy"])

    log8 = float(torch.tensor(8.0).log())
    assert loss(codes) == pytest.approx(-0.5 * log8, rel=1e-3)
    assert loss(codes[..., :1].expand(-1, -1, -1, 8)) == pytest.approx(0, abs=1e-3)  # sure of a single code
    assert loss(0 * codes) == pytest.approx(0, abs=1e-3)  # all equally likely, everywhere
    with torch.no_grad():
        quantizer.eval()
        assert "entropy" not in quantizer.quantize(codes).losses


def test_many_levels_stay_within_the_codebook() -> None:
    """A bound a share beyond the outermost level would be a level beyond it here."""
    quantizer = make(FSQConfig("fsq", (5001,)))
    tokens = quantizer.quantize(torch.tensor([-50.0, 0.0, 50.0]).view(1, 1, 1, 3)).tokens
    assert tokens.flatten().tolist() == [0, 2500, 5000]
