"""Baseline tokenizers: they keep the protocol, find what was planted, and repeat themselves bit by bit."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import own_tokenizers
import pytest
import torch
from threadpoolctl import threadpool_limits
from tiny import CONFIG, TOKENIZER
from torch import nn

from irislib.baselines.fit import FRAMES, fit_baselines, fitting_steps
from irislib.baselines.k_means import group_means, k_means
from irislib.baselines.patch_means import fit_mean_colour, fit_patches
from irislib.baselines.patch_tokenizer import cut_patches
from irislib.baselines.shuffled import shuffled
from irislib.baselines.untrained import fit_untrained
from irislib.tokenizers.checks import check_frame, check_tokenizer
from irislib.tokenizers.iris import Tokenizer
from irislib.tokenizers.load import tokenizer_digest
from irislib.tokenizers.protocol import FrameTokenizer
from irislib.tokenizers.quantizers.config import VectorQuantizerConfig
from irislib.tokenizers.reconstruction import encode_frames, reconstruct

NAMES = ("untrained", "mean_colour", "patches")
GRID, FRAME = (4, 4), (64, 64)
CODES = CONFIG.tokenizer.vocab_size


def noise(n: int, seed: int = 0) -> np.ndarray:
    """Frames u8 [N,64,64,3] of random colours in blocks of 8 x 8 pixels."""
    small = np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 3), np.uint8)
    return small.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def analysed() -> Tokenizer:
    torch.manual_seed(0)
    return Tokenizer(TOKENIZER, FRAME).eval()


@pytest.fixture(scope="module")
def made(analysed: Tokenizer) -> dict[str, FrameTokenizer]:
    baselines = fit_baselines(analysed, noise(40), seed=0)
    assert not baselines.left_out
    return baselines.tokenizers


@pytest.fixture
def threads() -> Iterator[None]:
    """Puts torch's number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


# All of them


@pytest.mark.parametrize("name", NAMES)
def test_a_baseline_keeps_the_protocol(made: dict[str, FrameTokenizer], name: str) -> None:
    baseline = made[name]
    assert list(made) == list(NAMES)
    assert check_tokenizer(baseline, name) is baseline
    check_frame(baseline, name, FRAME)
    assert baseline.grid == GRID and len(baseline.codebook) == CODES
    assert isinstance(baseline, nn.Module) and not baseline.training
    assert not any(parameter.requires_grad for parameter in baseline.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_most_codes_of_a_baseline_are_used(made: dict[str, FrameTokenizer], name: str) -> None:
    assert len(np.unique(encode_frames(made[name], noise(40)))) > 0.8 * CODES


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_has_the_same_codes_alone(made: dict[str, FrameTokenizer], name: str) -> None:
    frames = noise(5)
    alone = [encode_frames(made[name], frame[None]) for frame in frames]
    np.testing.assert_array_equal(np.concatenate(alone), encode_frames(made[name], frames))


def test_bits_are_the_same_for_any_number_of_threads(
    analysed: Tokenizer, made: dict[str, FrameTokenizer], threads: None
) -> None:
    for number in (1, 2):
        torch.set_num_threads(number)
        with threadpool_limits(number):
            again = fit_baselines(analysed, noise(40), seed=0).tokenizers
            assert torch.get_num_threads() == number
            tokens = {name: encode_frames(again[name], noise(8, 1)) for name in NAMES}
        for name in NAMES:
            assert tokenizer_digest(again[name]) == tokenizer_digest(made[name])
            np.testing.assert_array_equal(tokens[name], encode_frames(made[name], noise(8, 1)))


def test_baselines_depend_on_the_seed_and_the_shapes_and_not_on_the_analysed_weights(
    made: dict[str, FrameTokenizer],
) -> None:
    torch.manual_seed(1)
    drawn = torch.rand(3)
    torch.manual_seed(1)
    other = Tokenizer(TOKENIZER, FRAME)
    torch.manual_seed(1)
    for seed in (0, 1):
        again = fit_baselines(other, noise(40), seed).tokenizers
        for name in NAMES:
            assert (tokenizer_digest(again[name]) == tokenizer_digest(made[name])) is (seed == 0)
    assert torch.equal(torch.rand(3), drawn)  # nothing was drawn from the generator of others


def test_an_architecture_that_is_not_known_has_no_untrained_baseline() -> None:
    baselines = fit_baselines(own_tokenizers.Random(12), noise(40), seed=0)
    assert list(baselines.tokenizers) == ["mean_colour", "patches"]
    assert baselines.left_out == {"untrained": "the architecture of a Random is not known"}
    for name, baseline in baselines.tokenizers.items():
        assert (baseline.grid, len(baseline.codebook)) == ((9, 9), 12)
        check_frame(check_tokenizer(baseline, name), name, FRAME)
        images = reconstruct(baseline, noise(3))
        assert not images[:, 63:].any() and not images[:, :, 63:].any()  # 64 pixels, 9 patches of 7
        assert images[:, :63, :63].any(axis=(1, 2, 3)).all()


def test_a_grid_finer_than_the_pixels_has_no_patches() -> None:
    fine = own_tokenizers.Random(12)
    fine.grid = (1, 65)
    baselines = fit_baselines(fine, noise(2), seed=0)
    assert not baselines.tokenizers
    assert baselines.left_out["patches"] == "64 x 64 pixels have no patches for 1 x 65 tokens"


def test_the_frames_to_learn_from() -> None:
    np.testing.assert_array_equal(fitting_steps(7, seed=3), np.arange(7))
    drawn = fitting_steps(100_000, seed=3)
    assert len(drawn) == FRAMES and (np.diff(drawn) > 0).all() and drawn[-1] < 100_000
    assert abs(drawn.mean() - 50_000) < 2000
    assert not np.array_equal(drawn, fitting_steps(100_000, seed=4))


# Patches


def planted(codes: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Frames u8 of the pictures u8 [K,16,16,3] that codes [N,4,4] name, with a little noise."""
    rng = np.random.default_rng(1)
    frames = pictures[codes].swapaxes(2, 3).reshape(len(codes), 64, 64, 3).astype(int)
    noisy: np.ndarray = (frames + rng.integers(-3, 4, frames.shape)).clip(0, 255).astype(np.uint8)
    return noisy


@pytest.mark.parametrize("name", ["mean_colour", "patches"])
def test_planted_codes_are_found(name: str) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(12, size=(60, 4, 4))
    if name == "mean_colour":
        corners = np.array([[x, y, z] for x in (20, 120, 220) for y in (40, 200) for z in (60, 180)])
        pictures = np.broadcast_to(corners[:, None, None].astype(np.uint8), (12, 16, 16, 3))
        fitted: FrameTokenizer = fit_mean_colour(GRID, 12, planted(codes, pictures), seed=0)
    else:  # different pictures of the same mean colour
        pictures = rng.integers(20, 236, (12, 4, 4, 3), np.uint8).repeat(4, axis=1).repeat(4, axis=2)
        fitted = fit_patches(GRID, 12, planted(codes, pictures), seed=0)
    frames = planted(codes, pictures)
    tokens = encode_frames(fitted, frames)
    pairs = set(zip(codes.ravel().tolist(), tokens.ravel().tolist(), strict=True))
    assert len(pairs) == 12  # one code for each, and another one for another
    images = reconstruct(fitted, frames).astype(int)
    assert np.abs(images - frames.astype(int)).max() <= 8


def test_a_mean_colour_is_decoded_to_flat_patches(made: dict[str, FrameTokenizer]) -> None:
    images = torch.from_numpy(reconstruct(made["mean_colour"], noise(3)))
    patches = cut_patches(images, GRID)
    assert (patches == patches[:, :, :, :1, :1]).all()


def test_patches_are_cut_where_they_stand() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 6, 11, 3), np.uint8)
    patches = cut_patches(torch.from_numpy(frames), (3, 2)).numpy()
    assert patches.shape == (2, 3, 2, 2, 5, 3)
    np.testing.assert_array_equal(patches[1, 2, 1], frames[1, 4:6, 5:10])


def test_every_patch_of_a_codebook_with_room_for_all_is_kept() -> None:
    frames = noise(2)
    fitted = fit_patches(GRID, 200, frames, seed=0)  # 32 patches
    np.testing.assert_array_equal(reconstruct(fitted, frames), frames)


def test_the_nearest_centre_is_taken(made: dict[str, FrameTokenizer]) -> None:
    frames = noise(6, 2)
    patches = cut_patches(torch.from_numpy(frames), GRID).double()
    for name, described in (("mean_colour", patches.mean((3, 4))), ("patches", patches.flatten(3))):
        centres = (made[name].codebook.double() + 1) * 127.5
        distance = torch.cdist(described.flatten(0, 2), centres)
        chosen = torch.from_numpy(encode_frames(made[name], frames).astype(np.int64)).flatten()
        best = distance.min(1).values
        assert (distance.gather(1, chosen[:, None])[:, 0] - best).max() < 1e-3


def test_means_of_groups() -> None:
    rng = np.random.default_rng(0)
    rows, group = rng.integers(0, 256, (50, 3), np.uint8), rng.choice([0, 1, 3, 4], 50)
    means = group_means(rows, group, 6)
    for k in (0, 1, 3, 4):
        np.testing.assert_allclose(means[k], rows[group == k].mean(0))
    for k in (2, 5):  # without members
        np.testing.assert_array_equal(means[k], means[0])


def test_fewer_rows_than_groups() -> None:
    rows = np.arange(5.0)[:, None].repeat(2, axis=1)
    assert len(np.unique(k_means(rows, 9, seed=0))) == 5


# Untrained


def test_the_codes_of_the_untrained_tokenizer_are_outputs_of_its_encoder() -> None:
    frames = noise(3)
    config = replace(CONFIG.tokenizer, quantizer=VectorQuantizerConfig("vq", 48, 8, 0))
    made = fit_untrained(config, 48, frames, seed=0)  # as many as there are places
    assert len(np.unique(encode_frames(made, frames))) == 48


def test_more_codes_than_places_repeat_some() -> None:
    config = replace(CONFIG.tokenizer, quantizer=VectorQuantizerConfig("vq", 48, 8, 0))
    made = fit_untrained(config, 48, noise(1), seed=0)
    assert len(torch.unique(made.codebook, dim=0)) <= 16


# Shuffled


def test_shuffling_keeps_the_codes_of_each_position_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    scene = rng.integers(8, size=(500, 1, 1))  # all positions of an observation show the same
    tokens = (scene + 8 * np.arange(16).reshape(4, 4)).astype(np.int16)
    before = tokens.copy()
    mixed = shuffled(tokens, seed=0)
    np.testing.assert_array_equal(tokens, before)
    np.testing.assert_array_equal(np.sort(mixed, axis=0), np.sort(tokens, axis=0))
    agree = (mixed % 8 == scene).mean((1, 2))
    assert agree.mean() == pytest.approx(1 / 8, abs=0.01)
    together = (mixed[:, 0, 0] % 8 == mixed[:, 0, 1] % 8).mean()
    assert together == pytest.approx(1 / 8, abs=0.06)
    np.testing.assert_array_equal(shuffled(tokens, seed=0), mixed)
    assert not np.array_equal(shuffled(tokens, seed=1), mixed)
