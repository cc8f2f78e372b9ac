"""Each attribution against its axioms, its definition spelt out, and the library captum."""

from collections.abc import Callable
from pathlib import Path

import captum.attr
import numpy as np
import pytest
import torch
from recordings import record_play
from torch import Tensor

from irislib.interpret.attribution.attributions import (
    draw_background,
    explain,
    hirescam,
    occlusion,
    path_gradients,
)
from irislib.interpret.attribution.gradcam import (
    ImageScore,
    Score,
    check_layer,
    gradcam,
    mask_codes,
    score_images,
    score_pixels,
)
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.tokenizers.iris import Tokenizer

N, CODES, GRID, SIZE = 5, 6, 4, 16


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    torch.manual_seed(0)
    config = IrisConfig(VectorQuantizerConfig("vq", CODES, 4, 0), 4, 4, (1, 1, 2), 1, (4,))
    tokenizer = Tokenizer(config, (SIZE, SIZE)).double().requires_grad_(False).eval()
    torch.nn.init.normal_(tokenizer.codebook)
    return tokenizer


@pytest.fixture(scope="module")
def where() -> Tensor:
    return torch.rand(N, GRID, GRID, generator=torch.manual_seed(1)) < 0.3


@pytest.fixture(scope="module")
def latents(tokenizer: Tokenizer, where: Tensor) -> Tensor:
    return mask_codes(tokenizer, torch.arange(N), where)


@pytest.fixture(scope="module")
def frames() -> Tensor:
    return torch.randint(0, 256, (N, SIZE, SIZE, 3), dtype=torch.uint8, generator=torch.manual_seed(2))


@pytest.fixture(params=["mean", "norm", "neg_error"])
def objective(
    request: pytest.FixtureRequest, tokenizer: Tokenizer, frames: Tensor
) -> Callable[[Tensor], Tensor]:
    def score(latents: Tensor) -> Tensor:
        return score_images(request.param, tokenizer.decode(latents), frames)

    return score


def test_hirescam_is_grad_cam_where_the_gradient_is_the_same_everywhere() -> None:
    generator = torch.manual_seed(0)
    activations = torch.randn(N, 3, GRID, GRID, generator=generator)
    even = torch.randn(N, 3, 1, 1, generator=generator).expand_as(activations)
    torch.testing.assert_close(hirescam(activations, even), gradcam(activations, even))
    uneven = torch.randn(activations.shape, generator=generator)
    assert not torch.allclose(hirescam(activations, uneven), gradcam(activations, uneven), atol=0.1)


def test_a_masked_code_has_one_grad_cam_value_at_its_positions(
    tokenizer: Tokenizer, latents: Tensor, where: Tensor
) -> None:
    score = ImageScore("norm")
    raw = explain("gradcam", tokenizer, latents, where, score, "code_input", latents[:1])
    for one, mask in zip(raw, where, strict=True):
        assert one[~mask].abs().max() == 0
        torch.testing.assert_close(one[mask], one[mask][:1].expand(int(mask.sum())))
        assert one[mask].abs().min() > 0


def test_integrated_gradients_add_up_to_the_difference_of_the_scores(
    objective: Callable[[Tensor], Tensor], latents: Tensor, where: Tensor
) -> None:
    nothing = torch.zeros(24, *latents.shape[1:], dtype=latents.dtype)
    raw = path_gradients(objective, latents, where, nothing)
    difference = objective(latents) - objective(torch.zeros_like(latents))
    torch.testing.assert_close(raw.sum((1, 2)), difference, rtol=1e-3, atol=0)
    assert raw[~where].abs().max() == 0


def test_from_another_observation_they_add_up_to_the_difference_from_it(
    objective: Callable[[Tensor], Tensor], latents: Tensor, where: Tensor
) -> None:
    other = torch.randn(latents.shape[1:], dtype=latents.dtype, generator=torch.manual_seed(3))
    raw = path_gradients(objective, latents, where, other.expand(24, *other.shape))
    difference = objective(latents) - objective(other * where[:, None])
    torch.testing.assert_close(raw.sum((1, 2)), difference, rtol=1e-3, atol=1e-6)


def test_only_what_stood_at_the_positions_is_a_background(
    objective: Callable[[Tensor], Tensor], latents: Tensor, where: Tensor
) -> None:
    start = torch.randn(2, *latents.shape[1:], dtype=latents.dtype, generator=torch.manual_seed(4))
    one, far = slice(0, 1), start + 9 * ~where[0]

    def first(latents: Tensor) -> Tensor:
        return objective(latents.expand(N, -1, -1, -1))[one]

    raw = (path_gradients(first, latents[one], where[one], grids) for grids in (start, far))
    torch.testing.assert_close(*raw)


def test_integrated_gradients_are_captums(
    objective: Callable[[Tensor], Tensor], latents: Tensor, where: Tensor
) -> None:
    def repeated(points: Tensor) -> Tensor:  # captum decodes all points of the path at once
        return torch.cat([objective(part) for part in points.split(N)])

    theirs = captum.attr.IntegratedGradients(repeated).attribute(latents, n_steps=4, method="gausslegendre")
    ours = path_gradients(objective, latents, where, torch.zeros(4, *latents.shape[1:], dtype=latents.dtype))
    torch.testing.assert_close(ours, theirs.sum(1), rtol=1e-5, atol=1e-7)


def test_occlusion_is_captums_and_brute_force(
    objective: Callable[[Tensor], Tensor], latents: Tensor, where: Tensor
) -> None:
    ours = occlusion(objective, latents, where, torch.zeros_like(latents[:1]))
    theirs = captum.attr.Occlusion(objective).attribute(latents, (latents.shape[1], 1, 1))
    torch.testing.assert_close(ours, theirs[:, 0].double(), rtol=1e-4, atol=1e-6)
    for n, i, j in where.nonzero().tolist():
        without = latents.clone()
        without[n, :, i, j] = 0
        torch.testing.assert_close(ours[n, i, j], (objective(latents) - objective(without))[n])
    assert ours[~where].abs().max() == 0


def test_of_a_code_that_stands_once_occlusion_is_the_whole_difference(
    objective: Callable[[Tensor], Tensor], latents: Tensor
) -> None:
    once = torch.zeros(N, GRID, GRID, dtype=torch.bool)
    once[:, 1, 2] = True
    alone = torch.ones_like(latents) * once[:, None]
    raw = occlusion(objective, alone, once, torch.zeros_like(alone[:1]))
    torch.testing.assert_close(raw[once], objective(alone) - objective(torch.zeros_like(alone)))


def test_a_layers_grad_cam_and_the_inputs_hirescam_are_captums(
    tokenizer: Tokenizer, latents: Tensor, where: Tensor
) -> None:
    score = ImageScore("norm")

    def objective(latents: Tensor) -> Tensor:
        return score(tokenizer.decode(latents))

    layer = captum.attr.LayerGradCam(objective, tokenizer.get_submodule("decoder.mid"))
    ours = explain("gradcam", tokenizer, latents, where, score, "decoder.mid", latents[:1])
    torch.testing.assert_close(ours, layer.attribute(latents)[:, 0])
    ours = explain("hirescam", tokenizer, latents, where, score, "code_input", latents[:1])
    theirs = captum.attr.InputXGradient(objective).attribute(latents.clone().requires_grad_())
    torch.testing.assert_close(ours, theirs.sum(1).detach())


@pytest.mark.parametrize("score", ["mean", "norm", "neg_error"])
def test_a_score_is_the_sum_of_its_pixels(score: Score, frames: Tensor) -> None:
    images = torch.randn(N, 3, SIZE, SIZE, dtype=torch.float64, generator=torch.manual_seed(0))
    pixels = score_pixels(score, images, frames)
    torch.testing.assert_close(pixels.sum((1, 2)), score_images(score, images, frames))


def test_layers_that_stand_for_the_path_are_on_it(tokenizer: Tokenizer) -> None:
    layers = tokenizer.layers()
    assert len(set(layers)) == len(layers) == 4 + 3
    for layer in layers:
        check_layer(tokenizer, layer)


def test_the_background_is_recorded_and_repeats(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokens = np.arange(CODES)[:, None, None] * np.ones((GRID, GRID), int)
    play = record_play(tmp_path / "r.zarr", np.zeros((CODES, SIZE, SIZE, 3), np.uint8), tokens, CODES)
    drawn = [draw_background(play, tokenizer, 20, seed) for seed in (0, 0, 1)]
    torch.testing.assert_close(drawn[0], drawn[1], rtol=0, atol=0)
    assert not torch.equal(drawn[0], drawn[2])
    recorded = tokenizer.embed(torch.from_numpy(tokens))
    assert all(any(torch.equal(grid, other) for other in recorded) for grid in drawn[0])
