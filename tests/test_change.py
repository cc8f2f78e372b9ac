"""Which pixels change when a code is put in: against the definition, and as a stage."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from recordings import record_play
from tiny import make_decoding_agent
from torch import Tensor

from irislib.agent import Agent
from irislib.artifacts import Store, digest, open_store
from irislib.errors import IrislibError
from irislib.interpret.attribution import change, distinct_maps
from irislib.interpret.attribution.change import (
    ChangeConfig,
    average_blocks,
    changed_pixels,
    compute_changes,
    quantise,
)
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.interpret.evidence import read_maps
from irislib.stores.changes import CHANGES, LEVELS
from irislib.stores.heatmaps import HEATMAPS, OWNERS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.learned import LearnedTokenizer

STEPS, CODES, SIZE = 4, 6, 16


@pytest.fixture(scope="module")
def agent() -> Agent:
    return make_decoding_agent(CODES, SIZE)


@pytest.fixture(scope="module")
def stores(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("agent")
    agent.save(folder)
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, CODES, (STEPS, 4, 4))
    tokens[2] = tokens[0]
    rollouts = tmp_path_factory.mktemp("play") / "rollouts.zarr"
    record_play(rollouts, rng.integers(0, 256, (STEPS, SIZE, SIZE, 3), np.uint8), tokens, CODES, folder)
    return folder, rollouts


def run(stores: tuple[Path, Path], out: Path, batch: int = 4) -> Store:
    compute_changes(ChangeConfig(batch), stores[0], stores[1], work=out.parent / "work", out=out)
    return open_store(out, CHANGES)


@pytest.fixture(scope="module")
def changes(stores: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Store:
    return run(stores, tmp_path_factory.mktemp("changes") / "changes.zarr")


def test_a_map_is_the_mean_absolute_change_of_each_square(agent: Agent, changes: Store) -> None:
    """As the definition reads, one map and one pixel at a time."""
    tokenizer, side = agent.tokenizer, SIZE // 4
    with torch.no_grad():
        nothing = tokenizer.decode(torch.zeros(1, 4, 4, 4))[0].numpy()
        for row, (code, mask) in enumerate(
            zip(changes.read("map_code"), changes.read("map_positions"), strict=True)
        ):
            latents = torch.zeros(1, 4, 4, 4)
            for i, j in np.argwhere(mask):
                latents[0, :, i, j] = tokenizer.codebook[code]
            image = tokenizer.decode(latents)[0].numpy()
            expected = np.zeros((side, side))
            for y in range(SIZE):
                for x in range(SIZE):
                    expected[y // 4, x // 4] += np.abs(image[:, y, x] - nothing[:, y, x]).mean() / 16
            high = changes.read("map_raw_max")[row]
            assert high == pytest.approx(expected.max(), rel=1e-4)
            found = changes.read("heatmap")[row]
            assert found.max() == LEVELS == changes.attrs["levels"]
            np.testing.assert_allclose(found / LEVELS * high, expected, atol=0.51 * high / LEVELS)


def test_occurrences_have_the_maps_that_they_have_by_grad_cam(
    stores: tuple[Path, Path], changes: Store, tmp_path: Path
) -> None:
    config = GradcamConfig("gradcam", "mean", "code_input", samples=2, batch_size=4)
    compute_heatmaps(config, 0, stores[0], stores[1], work=tmp_path / "work", out=tmp_path / "maps")
    other = open_store(tmp_path / "maps", HEATMAPS)
    for name in OWNERS:
        np.testing.assert_array_equal(changes.read(name), other.read(name))
    maps = read_maps(open_store(stores[1], ROLLOUTS), changes)
    assert maps.nonempty.all()
    assert maps.nonzero.all()


def test_batches_change_rounding_alone_and_workers_nothing(
    stores: tuple[Path, Path], changes: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    high = changes.read("map_raw_max")
    np.testing.assert_allclose(run(stores, tmp_path / "a", batch=7).read("map_raw_max"), high, rtol=1e-4)
    monkeypatch.setattr(distinct_maps, "SHARD", 7)
    monkeypatch.setenv("IRISLIB_DEVICE", "cpu")
    made = set()
    for workers in "12":
        monkeypatch.setenv("IRISLIB_WORKERS", workers)
        run(stores, tmp_path / workers)
        made.add(digest(tmp_path / workers))
    assert len(made) == 1


def test_a_run_taken_up_again_repeats_no_shard(
    stores: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distinct_maps, "SHARD", 7)
    monkeypatch.setenv("IRISLIB_WORKERS", "1")
    run(stores, tmp_path / "whole")
    calls = []

    def change_few(*args: Tensor) -> Tensor:
        calls.append(args)
        if len(calls) == 4:  # in the second shard
            raise KeyboardInterrupt
        return changed_pixels(*args)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(change, "changed_pixels", change_few)
        with pytest.raises(KeyboardInterrupt):
            run(stores, tmp_path / "again")
    kept = sorted(file.name for file in (tmp_path / "work").glob("change-*/*"))
    assert kept == ["maps-000000-000007.npz"]
    run(stores, tmp_path / "again")
    assert digest(tmp_path / "again") == digest(tmp_path / "whole")


def decoding(
    tokenizer: LearnedTokenizer, decode: Callable[[Tensor], Tensor]
) -> Callable[..., LearnedTokenizer]:
    tokenizer.decode = decode  # type: ignore[method-assign, assignment]
    return lambda *_: tokenizer


def test_only_a_code_that_the_decoder_ignores_has_an_empty_map(
    stores: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounding does not count as a change: it depends on the batch."""
    tokenizer = make_decoding_agent(CODES, SIZE).tokenizer.requires_grad_(False)
    tokenizer.codebook[:, 0] = torch.arange(CODES)

    def decode(latents: Tensor) -> Tensor:
        seen = latents[:, :1].repeat_interleave(4, 2).repeat_interleave(4, 3).expand(-1, 3, -1, -1)
        noise = 1e-7 * torch.randn(seen.shape, generator=torch.manual_seed(len(latents)))
        return (0.1 * seen.clamp(min=0) + noise).clamp(-1, 1)

    monkeypatch.setenv("IRISLIB_WORKERS", "1")
    monkeypatch.setattr(distinct_maps, "load_recorded_tokenizer", decoding(tokenizer, decode))
    found = run(stores, tmp_path / "out")
    maps = read_maps(open_store(stores[1], ROLLOUTS), found)
    np.testing.assert_array_equal(maps.nonempty, maps.code > 0)
    empty = found.read("heatmap")[maps.code == 0]
    assert len(empty)
    assert not empty.any()
    np.testing.assert_array_equal(
        found.read("heatmap")[maps.nonempty] > 0, found.read("map_positions")[maps.nonempty]
    )


def test_a_map_that_is_not_finite_ends_the_stage_in_one_line(
    stores: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = make_decoding_agent(CODES, SIZE).tokenizer.requires_grad_(False)
    tokenizer.codebook[4] = float("nan")
    monkeypatch.setenv("IRISLIB_WORKERS", "1")
    monkeypatch.setattr(distinct_maps, "load_recorded_tokenizer", lambda *_: tokenizer)
    with pytest.raises(IrislibError, match=r"^change: the map of code 4 in observation \d is not finite"):
        run(stores, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("size", "pooled"), [((64, 64), (16, 16)), ((63, 210), (16, 53)), ((3, 4), (1, 1))])
def test_squares_cover_every_frame(size: tuple[int, int], pooled: tuple[int, int]) -> None:
    image = torch.rand(2, 3, *size, generator=torch.manual_seed(0))
    found = average_blocks(changed_pixels(image, torch.zeros(1, 3, *size)))
    assert found.shape[1:] == pooled
    everywhere = average_blocks(torch.ones(1, *size))
    torch.testing.assert_close(everywhere, torch.ones_like(everywhere))
    if size == (64, 64):
        torch.testing.assert_close(found.mean((1, 2)), image.mean((1, 2, 3)))


def test_parts_of_the_maximum_keep_the_order_and_the_largest_value() -> None:
    maps = np.random.default_rng(0).exponential(size=(20, 5, 5))
    maps = (maps * 10.0 ** -np.arange(20)[:, None, None]).astype(np.float32)
    maps[3] = 0
    levels, high = quantise(maps)
    np.testing.assert_array_equal(high, maps.max((1, 2)))
    assert levels.dtype == np.uint8
    np.testing.assert_array_equal(levels.max((1, 2)) == LEVELS, np.arange(20) != 3)
    error = np.abs(levels * high[:, None, None] / LEVELS - maps).max((1, 2))
    assert (error <= 0.501 * high / LEVELS).all()
    assert not levels[3].any()
