from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recordings import record_play
from tiny import make_decoding_agent
from torch import Tensor

from irislib.agent import Agent
from irislib.artifacts import Store, digest, open_store
from irislib.errors import ArtifactError, ParamError
from irislib.interpret.attribution import distinct_maps, heatmaps, occurrences
from irislib.interpret.attribution.attributions import Method, explain
from irislib.interpret.attribution.gradcam import Score
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.interpret.attribution.occurrences import find_occurrences, read_occurrences, take_census
from irislib.params import parse_section
from irislib.shards import Shards, compute_shards
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.learned import LearnedTokenizer

STEPS, CODES, SIZE = 4, 6, 16
SCORES: dict[Score, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": lambda image, _: image.sum() / image.numel(),
    "norm": lambda image, _: (image * image).sum(),
    "neg_error": lambda image, frame: -((image - frame) * (image - frame)).sum() / image.numel(),
}


@pytest.fixture(scope="module")
def agent() -> Agent:
    return make_decoding_agent(CODES, SIZE)


@pytest.fixture(scope="module")
def stores(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("agent")
    agent.save(folder)
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, CODES, (STEPS, 4, 4))
    tokens[2] = tokens[0]  # so that pairs share maps
    obs = rng.integers(0, 256, (STEPS, SIZE, SIZE, 3), np.uint8)
    rollouts = tmp_path_factory.mktemp("play") / "rollouts.zarr"
    record_play(rollouts, obs, tokens, CODES, folder)
    return folder, rollouts


def run(
    stores: tuple[Path, Path],
    out: Path,
    score: Score = "mean",
    layer: str = "code_input",
    batch: int = 4,
    method: Method = "gradcam",
) -> Store:
    config = GradcamConfig(method, score, layer, samples=3, batch_size=batch)
    work = out.parent / "work"
    compute_heatmaps(config, seed=0, agent=stores[0], rollouts=stores[1], work=work, out=out)
    return open_store(out, HEATMAPS)


def plain_map(
    tokenizer: LearnedTokenizer, mask: np.ndarray, code: int, frame: np.ndarray, score: Score, layer: str
) -> Tensor:
    """Grad-CAM before the ReLU of one pair, as its definition reads."""
    latents = torch.zeros(1, tokenizer.codebook.shape[1], *mask.shape, dtype=torch.float64)
    for i, j in np.argwhere(mask):
        latents[0, :, i, j] = tokenizer.codebook[code].detach()
    latents.requires_grad_()
    activation = latents
    with pytest.MonkeyPatch.context() as patch:
        if layer != "code_input":
            module = tokenizer.get_submodule(layer)
            forward = module.forward

            def keep(x: Tensor) -> Tensor:
                nonlocal activation
                activation = forward(x)
                activation.retain_grad()
                return activation  # type: ignore[no-any-return]

            patch.setattr(module, "forward", keep)
        image = tokenizer.decode(latents)
    SCORES[score](image, torch.from_numpy(frame / 127.5 - 1).permute(2, 0, 1)[None]).backward()
    assert activation.grad is not None
    raw = torch.zeros(activation.shape[2:], dtype=torch.float64)
    for channel, gradient in zip(activation[0], activation.grad[0], strict=True):
        raw += gradient.mean() * channel
    return raw.detach()


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("layer", ["code_input", "decoder.mid.block_2", "decoder.up.1.upsample"])
def test_batches_match_plain_autograd_one_pair_at_a_time(
    agent: Agent,
    stores: tuple[Path, Path],
    tmp_path: Path,
    score: Score,
    layer: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = deepcopy(agent).double()  # so that rounding does not hide a mistake
    monkeypatch.setattr(distinct_maps, "load_recorded_tokenizer", lambda *_: agent.tokenizer)
    maps = run(stores, tmp_path / "out", score, layer)
    play = open_store(stores[1], ROLLOUTS)
    obs, tokens = play.read("obs"), play.read("token")
    map_code = maps.read("map_code")
    for step, row in zip(maps.read("occurrence_step"), maps.read("occurrence_map"), strict=True):
        code = int(map_code[row])
        raw = plain_map(agent.tokenizer, tokens[step] == code, code, obs[step], score, layer).numpy()
        close = {"rtol": 0, "atol": 1e-6 * np.abs(raw).max()}
        np.testing.assert_allclose(maps.read("heatmap")[row], np.maximum(raw, 0), **close)
        np.testing.assert_allclose(maps.read("map_raw_max")[row], raw.max(), **close)
        np.testing.assert_allclose(maps.read("map_raw_min")[row], raw.min(), **close)


@pytest.mark.parametrize("score", SCORES)
def test_every_present_pair_appears_once_with_a_map_of_its_code_and_positions(
    stores: tuple[Path, Path], tmp_path: Path, score: Score
) -> None:
    maps = run(stores, tmp_path / "out", score)
    tokens = open_store(stores[1], ROLLOUTS).read("token")
    step, row = maps.read("occurrence_step"), maps.read("occurrence_map")
    code = maps.read("map_code")[row]
    assert list(zip(step, code, strict=True)) == [(t, k) for t in range(STEPS) for k in np.unique(tokens[t])]
    np.testing.assert_array_equal(maps.read("map_positions")[row], tokens[step] == code[:, None, None])
    assert set(row) == set(range(len(maps)))


def test_pairs_that_look_alike_share_a_map_unless_the_score_sees_the_frame(
    stores: tuple[Path, Path], tmp_path: Path
) -> None:
    tokens = open_store(stores[1], ROLLOUTS).read("token")
    alike = {(k, (t == k).tobytes()) for t in tokens for k in np.unique(t)}
    present = sum(len(np.unique(t)) for t in tokens)
    assert len(alike) < present
    assert len(run(stores, tmp_path / "a", "norm")) == len(alike)
    assert len(run(stores, tmp_path / "b", "neg_error")) == present


def test_a_container_stands_for_its_last_module(stores: tuple[Path, Path], tmp_path: Path) -> None:
    container, module = (
        run(stores, tmp_path / layer, layer=layer).read("heatmap")
        for layer in ("decoder.mid", "decoder.mid.block_2")
    )
    np.testing.assert_array_equal(container, module)


def test_repeats_bit_by_bit_and_batches_change_rounding_alone(
    stores: tuple[Path, Path], tmp_path: Path
) -> None:
    first = run(stores, tmp_path / "a", "norm").read("heatmap")
    run(stores, tmp_path / "b", "norm")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    np.testing.assert_allclose(
        run(stores, tmp_path / "c", "norm", batch=3).read("heatmap"), first, rtol=0, atol=1e-4 * first.max()
    )


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_maps, "SHARD", 7)  # and batches of 4 in them
    monkeypatch.setenv("IRISLIB_DEVICE", "cpu")  # a GPU would have one process


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize(("score", "numbers"), [("mean", "13"), ("neg_error", "12")])
def test_the_number_of_workers_changes_no_bit(
    stores: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, score: Score, numbers: str
) -> None:
    made = set()
    for workers in numbers:
        monkeypatch.setenv("IRISLIB_WORKERS", workers)
        assert len(run(stores, tmp_path / workers, score)) > 2 * distinct_maps.SHARD
        made.add(digest(tmp_path / workers))
    assert len(made) == 1


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_taken_up_again_gives_the_same_bits_and_repeats_no_shard(
    stores: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("IRISLIB_WORKERS", "1")
    maps = len(run(stores, tmp_path / "whole"))
    calls = []

    def explain_few(*args: Any) -> Tensor:
        calls.append(args)
        if len(calls) == 4:  # in the second of two batches of the second shard
            raise KeyboardInterrupt
        return explain(*args)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(heatmaps, "explain", explain_few)
        with pytest.raises(KeyboardInterrupt):
            run(stores, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    kept = sorted(file.name for file in (tmp_path / "work").glob("gradcam-*/*"))
    assert kept == ["maps-000000-000007.npz"]

    counted: list[int] = []

    def count(shards: Shards, todo: list[range], *args: Any) -> None:
        counted.append(sum(map(len, todo)))
        compute_shards(shards, todo, *args)

    monkeypatch.setattr(distinct_maps, "compute_shards", count)
    monkeypatch.setenv("IRISLIB_WORKERS", workers)
    run(stores, tmp_path / "again")
    assert counted == [maps - 7]
    assert digest(tmp_path / "again") == digest(tmp_path / "whole")
    assert not any((tmp_path / "work").iterdir())


def test_blocks_of_steps_do_not_matter(
    stores: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stores, tmp_path / "whole")
    monkeypatch.setattr(occurrences, "ROWS", 2)
    run(stores, tmp_path / "blocks")
    assert digest(tmp_path / "whole") == digest(tmp_path / "blocks")


@pytest.mark.parametrize("grid", [(4, 4), (3, 5), (9, 10)])
def test_distinct_pairs_are_the_distinct_codes_and_positions_in_order(grid: tuple[int, int]) -> None:
    tokens = np.random.default_rng(0).integers(250, 260, (40, *grid))  # codes of one byte and of two
    tokens[20:] = np.where(np.arange(20)[:, None, None] % 2, tokens[:20], tokens[20:])
    found = find_occurrences(tokens, first_step=100)
    np.testing.assert_array_equal(found.positions(), tokens[found.step - 100] == found.code[:, None, None])
    kinds = [(int(code), packed.tobytes()) for code, packed in zip(found.code, found.packed, strict=True)]
    distinct = found.distinct()
    assert [(int(c), p.tobytes()) for c, p in zip(distinct.code, distinct.packed, strict=True)] == sorted(
        set(kinds)
    )
    assert [kinds.index(kind) for kind in sorted(set(kinds))] == [
        int(np.flatnonzero((found.step == s) & (found.code == c))[0])
        for s, c in zip(distinct.step, distinct.code, strict=True)
    ]
    own = distinct.take(np.searchsorted(distinct.keys(), found.keys()))
    np.testing.assert_array_equal(own.code, found.code)
    np.testing.assert_array_equal(own.packed, found.packed)


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_a_census_in_blocks_counts_and_finds_every_pair(
    stores: tuple[Path, Path], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = open_store(stores[1], ROLLOUTS)
    every = find_occurrences(play.read("token"))
    monkeypatch.setattr(occurrences, "ROWS", rows)
    census = take_census(play, CODES)
    assert len(census) == len(every.step)
    np.testing.assert_array_equal(census.distinct.keys(), np.unique(every.keys()))
    for start in range(len(census)):
        for stop in range(start + 1, len(census) + 1):
            part, expected = (
                read_occurrences(play, census, range(start, stop)),
                every.take(slice(start, stop)),
            )
            np.testing.assert_array_equal(part.step, expected.step)
            np.testing.assert_array_equal(part.keys(), expected.keys())


@pytest.mark.parametrize("layer", ["", "decoder.up.9", "encoder.conv_in", "pre_quant_conv", "embedding"])
def test_a_layer_off_the_decoding_path_is_refused(
    stores: tuple[Path, Path], tmp_path: Path, layer: str
) -> None:
    with pytest.raises(ParamError, match=r"^gradcam\.layer: .*code_input, .*decoder\.conv_in") as error:
        run(stores, tmp_path / "out", layer=layer)
    assert "\n" not in str(error.value)
    assert "encoder.mid" not in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("token", "steps"), [(CODES, 1), (-1, 1), (0, 0)])
def test_impossible_rollouts_are_refused(
    stores: tuple[Path, Path], tmp_path: Path, token: int, steps: int
) -> None:
    refuse(stores[0], tmp_path, np.full((steps, 4, 4), token), stores[0])


def test_rollouts_of_another_agent_are_refused(
    agent: Agent, stores: tuple[Path, Path], tmp_path: Path
) -> None:
    """One that fits as well: only a code differs."""
    other = deepcopy(agent)
    with torch.no_grad():
        other.tokenizer.codebook[0] += 1
    other.save(tmp_path)
    assert "its tokens were not made by" in refuse(stores[0], tmp_path, np.zeros((1, 4, 4)), tmp_path)


def refuse(agent: Path, folder: Path, tokens: np.ndarray, player: Path) -> str:
    """The complaint when this agent is to explain these tokens of that player."""
    rollouts, out = folder / "rollouts.zarr", folder / "out"
    record_play(rollouts, np.zeros((len(tokens), SIZE, SIZE, 3), np.uint8), tokens, CODES, player)
    with pytest.raises(
        ArtifactError,
        match=r"rollouts\.zarr: .*; run the rollout stage again( \(dvc repro --force rollout\))?$",
    ) as error:
        run((agent, rollouts), out)
    assert not out.exists()
    return str(error.value)


def test_the_default_method_has_the_bits_of_grad_cam_written_out(
    agent: Agent, stores: tuple[Path, Path], tmp_path: Path
) -> None:
    maps = run(stores, tmp_path / "out", batch=1000)
    code, where = (torch.from_numpy(maps.read(name)) for name in ("map_code", "map_positions"))
    tokenizer = agent.tokenizer
    latents = (tokenizer.codebook[code.long()][:, :, None, None] * where[:, None]).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(tokenizer.decode(latents).mean((1, 2, 3)).sum(), latents)
    raw = (gradient.mean((2, 3), keepdim=True) * latents).sum(1).detach().numpy()
    np.testing.assert_array_equal(maps.read("heatmap"), np.maximum(raw, 0))
    np.testing.assert_array_equal(maps.read("map_raw_max"), raw.max((1, 2)))


def test_maps_are_those_of_pytorch_grad_cam(agent: Agent, stores: tuple[Path, Path], tmp_path: Path) -> None:
    """What benchmarks.analysis says of the official sizes; for those who have it installed."""
    import irislib.vision  # noqa: F401 - before it imports torchvision

    pytest.importorskip("pytorch_grad_cam")
    from benchmarks.attribution import call_for_each

    maps = run(stores, tmp_path / "out")
    rows = np.arange(maps.array("occurrence_step").shape[0])
    seconds, busy, difference = call_for_each(deepcopy(agent).tokenizer, maps, rows)
    assert seconds.shape == busy.shape == rows.shape
    assert difference <= 1e-5
    other = run(stores, tmp_path / "other", score="norm")
    assert call_for_each(deepcopy(agent).tokenizer, other, rows)[-1] > 0.1


@pytest.fixture(scope="module")
def plain(stores: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Store:
    return run(stores, tmp_path_factory.mktemp("plain") / "out")


@pytest.mark.parametrize("method", ["hirescam", "integrated_gradients", "gradient_shap", "occlusion"])
def test_other_methods_fill_the_same_store_whatever_the_batches(
    stores: tuple[Path, Path], plain: Store, tmp_path: Path, method: Method
) -> None:
    maps, again = (run(stores, tmp_path / str(batch), method=method, batch=batch) for batch in (1000, 3))
    for name in ("map_code", "map_positions", "occurrence_step", "occurrence_map"):
        np.testing.assert_array_equal(maps.read(name), plain.read(name))
    high, low = maps.read("map_raw_max"), maps.read("map_raw_min")
    close = {"rtol": 0, "atol": 1e-4 * np.abs([high, low]).max()}
    np.testing.assert_allclose(again.read("heatmap"), maps.read("heatmap"), **close)
    assert maps.read("heatmap")[~maps.read("map_positions")].max() == 0
    assert not np.allclose(plain.read("map_raw_max"), high, **close)


def test_only_gradients_have_a_layer() -> None:
    values = {"method": "occlusion", "score": "mean", "layer": "decoder.mid", "samples": 1, "batch_size": 1}
    with pytest.raises(ParamError, match=r"^gradcam\.layer: occlusion .*code_input$"):
        parse_section({"gradcam": values}, "gradcam", GradcamConfig)
    parse_section({"gradcam": values | {"method": "hirescam"}}, "gradcam", GradcamConfig)
