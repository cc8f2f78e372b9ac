"""Each quantizer beside that of vector-quantize-pytorch, on the same outputs and from the same codes.

Every test says where the conventions of the two differ. Besides, the oracle's gradients pass by the rotation
trick unless it is told otherwise, and the tokens of its FSQ and LFQ are int32.
"""

import pytest
import torch
from torch import Tensor, nn
from vector_quantize_pytorch import FSQ, LFQ, SimVQ, VectorQuantize

from irislib.tokenizers.quantizers.config import (
    CosineQuantizerConfig,
    EMAQuantizerConfig,
    FSQConfig,
    LFQConfig,
    SimVQConfig,
    VectorQuantizerConfig,
)
from irislib.tokenizers.quantizers.cosine import CosineQuantizer
from irislib.tokenizers.quantizers.ema import EMAQuantizer
from irislib.tokenizers.quantizers.fsq import FiniteScalarQuantizer
from irislib.tokenizers.quantizers.lfq import LookupFreeQuantizer
from irislib.tokenizers.quantizers.simvq import SimVectorQuantizer
from irislib.tokenizers.quantizers.vq import VectorQuantizer

CODES, CHANNELS = 32, 8


def outputs(channels: int = CHANNELS, seed: int = 0) -> tuple[Tensor, Tensor]:
    """The same encoder outputs twice, float [3,C,4,5], each with a gradient of its own."""
    z = torch.randn(3, channels, 4, 5, generator=torch.Generator().manual_seed(seed))
    return z.clone().requires_grad_(), z.clone().requires_grad_()


def step(module: nn.Module, loss: Tensor) -> None:
    """One step of gradient descent."""
    loss.backward()
    for parameter in module.parameters():
        if parameter.grad is not None:
            parameter.data -= parameter.grad


def lookup(**options: object) -> VectorQuantize:
    """The oracle's quantizers with a codebook that is looked up."""
    return VectorQuantize(CHANNELS, CODES, rotation_trick=False, accept_image_fmap=True, **options)


def test_vq() -> None:
    """The oracle has one loss for both directions, whose value counts once; ours are two."""
    oracle = lookup(learnable_codebook=True, ema_update=False, commitment_weight=1.0)
    ours = VectorQuantizer(VectorQuantizerConfig("vq", CODES, CHANNELS, 0))
    oracle.codebook.data.normal_(generator=torch.Generator().manual_seed(1))
    ours.embedding.weight.data.copy_(oracle.codebook)
    (z, other), slope = outputs(), torch.randn(3, CHANNELS, 4, 5)
    out, (quantized, tokens, loss) = ours.quantize(z), oracle(other)
    assert torch.equal(out.tokens, tokens)
    torch.testing.assert_close(out.z_quantized, quantized)
    torch.testing.assert_close(out.losses["codebook"], loss)
    torch.testing.assert_close(out.losses["commitment"], loss)
    step(ours, sum(out.losses.values(), (out.z_quantized * slope).sum()))
    step(oracle, loss + (quantized * slope).sum())
    torch.testing.assert_close(z.grad, other.grad)
    torch.testing.assert_close(ours.codebook, oracle.codebook)


def test_ema() -> None:
    """The oracle updates its codes inside the forward pass; it keeps the sums m, we keep m / N'."""
    oracle = lookup(decay=0.9, commitment_weight=0.25, threshold_ema_dead_code=0)
    ours = EMAQuantizer(EMAQuantizerConfig("ema", CODES, CHANNELS, 0, decay=0.9, commitment=0.25))
    ours.means.copy_(oracle.codebook)
    for batch in range(20):
        z, other = outputs(seed=batch)
        out, (quantized, tokens, loss) = ours.quantize(z), oracle(other)
        assert torch.equal(out.tokens, tokens)
        torch.testing.assert_close(out.z_quantized, quantized)
        torch.testing.assert_close(out.losses["commitment"], loss)
        torch.autograd.backward(out.losses["commitment"])
        loss.backward()
        torch.testing.assert_close(z.grad, other.grad)
        ours.after_batch([out])
        torch.testing.assert_close(ours.cluster_size, oracle._codebook.cluster_size[0])
        torch.testing.assert_close(ours.codebook, oracle.codebook, rtol=1e-4, atol=1e-5)
    assert len(out.tokens.unique()) > 10


def test_cosine() -> None:
    """The oracle's codes on the sphere are moving averages; as in ViT-VQGAN, ours learn by gradients.

    So tokens, values and commitment are compared. A step of ours must be that of its loss.
    """
    oracle = lookup(use_cosine_sim=True, ema_update=False, commitment_weight=0.25)
    ours = CosineQuantizer(CosineQuantizerConfig("cosine", CODES, CHANNELS, 0, commitment=0.25))
    lengths = torch.linspace(0.5, 2, CODES)[:, None]  # of no effect
    ours.directions.data.copy_(oracle.codebook * lengths)
    (z, other), slope = outputs(), torch.randn(3, CHANNELS, 4, 5)
    out, (quantized, tokens, loss) = ours.quantize(z), oracle(other)
    assert torch.equal(out.tokens, tokens)
    torch.testing.assert_close(out.z_quantized, quantized)
    torch.testing.assert_close(out.losses["commitment"], loss)
    step(ours, out.losses["commitment"] + (out.z_quantized * slope).sum())
    (loss + (quantized * slope).sum()).backward()
    torch.testing.assert_close(z.grad, other.grad)


@pytest.mark.parametrize("levels", [(8, 6, 5), (5, 5, 5), (3, 4), (8, 8, 8, 8), (7, 5, 5, 5, 5)], ids=str)
def test_fsq(levels: tuple[int, ...]) -> None:
    """The same bound, (1 + eps) and atanh() in place of the paper's (1 - eps) and tan()."""
    oracle, ours = FSQ(list(levels)), FiniteScalarQuantizer(FSQConfig("fsq", levels))
    torch.testing.assert_close(ours.codebook, oracle.implicit_codebook)
    z, other = outputs(len(levels))
    slope = torch.randn_like(z)
    out, (quantized, tokens) = ours.quantize(3 * z), oracle(3 * other)
    assert tokens.dtype == torch.int32 and torch.equal(out.tokens, tokens.long())
    torch.testing.assert_close(out.z_quantized, quantized)
    (out.z_quantized * slope).sum().backward()
    (quantized * slope).sum().backward()
    torch.testing.assert_close(z.grad, other.grad)
    torch.testing.assert_close(ours.embed(out.tokens), oracle.indices_to_codes(tokens))


@pytest.mark.parametrize("scale", [0.02, 1.0])
def test_lfq(scale: float) -> None:
    """The oracle's first channel is the highest bit; in the paper and here it is the lowest.

    So the oracle is given the channels in reverse. Its temperature is the inverse of ours, and its logarithms
    stop at 1e-5 in both entropies, ours in that of the mean distribution.
    """
    oracle = LFQ(
        codebook_size=CODES, entropy_loss_weight=0.1, commitment_loss_weight=0.25, diversity_gamma=0.7
    )
    ours = LookupFreeQuantizer(LFQConfig("lfq", CODES, 0.1, 0.7, 0.01, 0.25))
    torch.testing.assert_close(ours.codebook, oracle.codebook.flip(1))
    z, other = outputs(5)
    out, (quantized, tokens, loss) = ours.quantize(scale * z), oracle(scale * other.flip(1))
    assert torch.equal(out.tokens, tokens.long())
    torch.testing.assert_close(out.z_quantized, quantized.flip(1))
    torch.testing.assert_close(out.losses["commitment"] + out.losses["entropy"], loss, rtol=1e-4, atol=1e-4)
    (out.losses["commitment"] + out.losses["entropy"]).backward()
    loss.backward()
    torch.testing.assert_close(z.grad, other.grad, rtol=1e-3, atol=1e-4)


def test_simvq() -> None:
    """The oracle adds up both losses."""
    oracle = SimVQ(CHANNELS, CODES, channel_first=True, rotation_trick=False)
    ours = SimVectorQuantizer(SimVQConfig("simvq", CODES, CHANNELS, commitment=0.25))
    ours.frozen.copy_(oracle.frozen_codebook)
    ours.transform.load_state_dict(oracle.code_transform.state_dict())
    (z, other), slope = outputs(), torch.randn(3, CHANNELS, 4, 5)
    out, (quantized, tokens, loss) = ours.quantize(z), oracle(other)
    assert torch.equal(out.tokens, tokens)
    torch.testing.assert_close(out.z_quantized, quantized)
    torch.testing.assert_close(out.losses["codebook"] + out.losses["commitment"], loss)
    step(ours, sum(out.losses.values(), (out.z_quantized * slope).sum()))
    step(oracle, loss + (quantized * slope).sum())
    torch.testing.assert_close(z.grad, other.grad)
    torch.testing.assert_close(ours.codebook, oracle.codebook)
    assert torch.equal(ours.frozen, oracle.frozen_codebook)
