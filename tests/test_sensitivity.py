"""What the sensitivity stage writes, against the definitions and against the pipeline's own numbers."""

import copy
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.collections import PathCollection
from recordings import record_play
from test_dictionary import described
from tiny import make_decoding_agent

from irislib.agent import Agent
from irislib.artifacts import digest, open_store
from irislib.errors import ArtifactError, ParamError
from irislib.interpret.attribution.emptiness import empty_shares
from irislib.interpret.attribution.faithfulness import image_faithfulness, latent_areas
from irislib.interpret.attribution.gradcam import Score, gradcam, score_images, score_pixels
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.interpret.attribution.occurrences import find_occurrences
from irislib.interpret.attribution.sample import Sample, load_sample, select_all, select_occurrences
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.evidence import read_maps
from irislib.interpret.sensitivity import attribute as attribute_module
from irislib.interpret.sensitivity.attribute import attribute_sample
from irislib.interpret.sensitivity.config import SensitivityConfig
from irislib.interpret.sensitivity.emptiness_causes import Extremes, Population, decompose
from irislib.interpret.sensitivity.episode_intervals import mean_and_error, share_interval
from irislib.interpret.sensitivity.measure import measure_sensitivity, summarise_faithfulness
from irislib.interpret.sensitivity.method_comparison import MASKINGS, compare_methods, measure_effects
from irislib.interpret.sensitivity.variants import Variant
from irislib.interpret.upsampling import upsample
from irislib.params import parse_section
from irislib.report.figures.maps import attributions, sensitivity
from irislib.report.style import publication
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.tokenizers.iris import Tokenizer

STEPS, CODES, GRID, SIZE = 6, 9, 4, 16
MAPS = GradcamConfig("gradcam", "norm", "code_input", samples=2, batch_size=5)
CROP = CropConfig(threshold=0.5, min_area=4, max_per_code=9, connectivity=1)
TABLES = ("sensitivity", "attributions")


@pytest.fixture(scope="module")
def agent() -> Agent:
    agent = make_decoding_agent(CODES, SIZE)
    agent.tokenizer.requires_grad_(False)
    return agent


@pytest.fixture(scope="module")
def stores(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One code is never used, and some are seldom."""
    folder = tmp_path_factory.mktemp("agent")
    agent.save(folder)
    rng = np.random.default_rng(0)
    tokens = np.minimum(rng.geometric(0.3, (STEPS, GRID, GRID)) - 1, CODES - 2)
    rollouts = tmp_path_factory.mktemp("play") / "rollouts.zarr"
    episode = (np.arange(STEPS) // 2).astype(np.int32)
    obs = rng.integers(0, 256, (STEPS, SIZE, SIZE, 3), np.uint8)
    record_play(rollouts, obs, tokens, CODES, folder, episode=episode)
    return folder, rollouts


def attribute(
    stores: tuple[Path, Path], config: SensitivityConfig, out: Path, crop: CropConfig = CROP, seed: int = 0
) -> None:
    paths = {"agent": stores[0], "rollouts": stores[1], "work": out / "work"}
    attribute_sample(config, MAPS, crop, seed, out=out / "attributions.zarr", **paths)


def measure(
    stores: tuple[Path, Path], out: Path, observations: int = 99, seed: int = 0
) -> dict[str, pd.DataFrame]:
    attribute(stores, SensitivityConfig(observations, 999, min(observations, 2)), out, seed=seed)
    measure_sensitivity(CROP, seed, attributions=out / "attributions.zarr", out=out)
    return {name: pd.read_csv(out / f"{name}.csv") for name in TABLES}


@pytest.fixture(scope="module")
def reports(stores: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables of all observations, and the attributions that they are of."""
    folder = tmp_path_factory.mktemp("reports")
    measure(stores, folder)
    return folder


@pytest.fixture(scope="module")
def tables(reports: Path) -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(reports / f"{name}.csv") for name in TABLES}


def test_every_combination_is_a_row_and_the_pipelines_own_is_marked(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["sensitivity"].set_index(["score", "layer", "masking"])
    layers = ["code_input", "post_quant_conv", "decoder.conv_in", "decoder.mid"]
    layers += [f"decoder.up.{level}" for level in (2, 1, 0)]
    assert set(table.index) == set(product(["mean", "norm", "neg_error"], layers, ["before", "after"]))
    assert table.index.is_unique
    assert list(table.index[table["chosen"]]) == [(MAPS.score, MAPS.layer, "before")]
    methods = tables["attributions"].set_index(["method", "masking"])
    assert methods.index.is_unique
    assert len(methods) == 6 * 2


@pytest.mark.parametrize("name", TABLES)
def test_the_parts_add_up_to_the_empty_share(tables: dict[str, pd.DataFrame], name: str) -> None:
    table = tables[name]
    assert list(table.columns) == described(f"{name}.csv")
    ones = np.ones(len(table))
    close: dict[str, Any] = {"rtol": 0, "atol": 1e-5}
    np.testing.assert_allclose(table[["zero", "negative", "mixed", "positive"]].sum(axis=1), ones, **close)
    np.testing.assert_allclose(table["zero"] + table["negative"], table["present_occurrences"], **close)
    np.testing.assert_allclose(table["zero"], table["present_occurrences_before_relu"], **close)
    present = 1 - table["unused"] - table["absent"]
    everywhere = table["unused"] + table["absent"] + present * (table["zero"] + table["negative"])
    np.testing.assert_allclose(everywhere, table["all_codes_all_steps"], **close)
    share = table["present_occurrences"]
    if name == "sensitivity":  # the methods are compared on one episode here
        assert ((table["low"] <= share + 1e-5) & (share <= table["high"] + 1e-5)).all()
        assert (table["low"] < table["high"]).any()
    for lost in ("no_region", "faint"):
        assert (table[lost] <= table["mixed"] + table["positive"] + 1e-5).all()


def test_of_all_observations_the_shares_are_those_of_the_metrics(
    stores: tuple[Path, Path], tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    compute_heatmaps(MAPS, seed=0, agent=stores[0], rollouts=stores[1], work=tmp_path, out=tmp_path / "maps")
    maps = read_maps(open_store(stores[1], ROLLOUTS), open_store(tmp_path / "maps", HEATMAPS))
    table = tables["sensitivity"]
    own = table[table["chosen"]].iloc[0]
    shares = empty_shares(maps)
    for name in ("present_occurrences", "all_codes_all_steps", "codes_always_empty"):
        for key in (name, f"{name}_before_relu"):
            assert own[key] == pytest.approx(shares[key], abs=1e-5)
    assert own["occurrences"] == len(maps.occurrence_map)
    assert own["unused"] == pytest.approx(1 / CODES, abs=1e-5)
    assert 0 < own["present_occurrences"] < 1


def test_at_the_code_input_the_sign_of_one_number_decides(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["sensitivity"]
    assert (table["mixed"][table["layer"] == "code_input"] == 0).all()
    assert (table["mixed"][table["layer"] == "decoder.up.0"] > 0).any()


def test_repeats_bit_by_bit_and_draws_with_the_seed(stores: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("a", "b"):
        measure(stores, tmp_path / name, observations=1)
    for name in TABLES:
        first, second = (tmp_path / folder / f"{name}.csv" for folder in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
    measure(stores, tmp_path / "c", observations=1, seed=1)
    assert (tmp_path / "c/sensitivity.csv").read_bytes() != (tmp_path / "a/sensitivity.csv").read_bytes()


def test_where_every_code_stands_once_occlusion_is_the_effect() -> None:
    torch.manual_seed(0)
    config = IrisConfig(VectorQuantizerConfig("vq", 16, 4, 0), 4, 4, (1, 1, 2), 1, ())
    tokenizer = Tokenizer(config, (SIZE, SIZE)).requires_grad_(False).eval()
    torch.nn.init.normal_(tokenizer.codebook)
    tokens = torch.randperm(16).view(1, GRID, GRID)
    frames = torch.zeros(1, SIZE, SIZE, 3, dtype=torch.uint8)
    sample = Sample(tokenizer, tokens, frames, np.zeros(1, int), find_occurrences(tokens.numpy()))
    background = torch.zeros(1, 4, GRID, GRID)
    variants = compare_methods(sample, MAPS, CROP, background)
    table = pd.DataFrame(
        [one.key | summarise_faithfulness(one, one.faithfulness) for one in variants if one.faithfulness]
    ).set_index("method")
    occlusion, others = table.loc["occlusion"], table.drop(["occlusion", "change"])
    assert (occlusion["right_sign"] == 1).all()
    assert (occlusion["missed"] == 0).all()
    assert (others["right_sign"] < 1).any()
    np.testing.assert_allclose(table["latents"], table["insertion"] - table["deletion"], atol=1e-6)
    change = table.loc["change"]
    assert change["right_sign"].isna().all()
    assert (change["missed"] == 0).all()
    assert (change["changed"] > 0.5).all()
    assert (change["changed"] > others["changed"].max()).all()


def test_no_map_knows_better_than_the_change_itself_which_pixels_change(
    agent: Agent, stores: tuple[Path, Path]
) -> None:
    """Brute force: the pixels of both images, compared one by one."""
    sample = load(agent, stores, 3)
    with torch.no_grad():
        whole = agent.tokenizer.decode(agent.tokenizer.embed(sample.tokens))[0]
        for masking in MASKINGS:
            effects = measure_effects(sample, masking, MAPS)
            for row, (code, where) in enumerate(
                zip(sample.occurrences.code, sample.occurrences.positions(), strict=True)
            ):
                mask = torch.from_numpy(where)
                alone = agent.tokenizer.codebook[int(code)][:, None, None] * mask
                latents = agent.tokenizer.embed(sample.tokens)[0] * ~mask
                if masking == "before":
                    image, other = agent.tokenizer.decode(torch.stack([alone, 0 * alone]))
                else:
                    image, other = whole, agent.tokenizer.decode(latents[None])[0]
                expected = (image - other).abs().mean(0).numpy()
                np.testing.assert_allclose(effects.change[row], expected, atol=2e-5)
                gain = float((image.square() - other.square()).sum())
                np.testing.assert_allclose(effects.gain[row].sum(), gain, rtol=1e-3, atol=1e-3)


def load(agent: Agent, stores: tuple[Path, Path], *steps: int) -> Sample:
    play = open_store(stores[1], ROLLOUTS)
    return load_sample(play, agent.tokenizer, select_all(play, np.array(steps)))


def test_masked_after_the_gradient_a_map_is_its_observations_cut_to_the_code(
    agent: Agent, stores: tuple[Path, Path]
) -> None:
    sample = load(agent, stores, 1, 4)
    (batch,) = sample.batches("after", 9)
    generator = torch.manual_seed(0)
    activations, slopes = (torch.randn(2, 3, 8, 8, generator=generator) for _ in range(2))
    whole = gradcam(activations, slopes)
    shared = batch.share_out(whole)
    tokens = open_store(stores[1], ROLLOUTS).read("token")[[1, 4]]
    pairs = [(step, code) for step in range(2) for code in np.unique(tokens[step])]
    assert len(shared) == len(pairs)
    for map_, (step, code) in zip(shared, pairs, strict=True):
        mask = np.kron(tokens[step] == code, np.ones((2, 2)))
        np.testing.assert_array_equal(map_, whole[step].numpy() * mask)


@pytest.mark.parametrize("masking", ["before", "after"])
def test_batches_hold_every_pair_once(agent: Agent, stores: tuple[Path, Path], masking: str) -> None:
    sample = load(agent, stores, 0, 2, 5)
    pairs = len(sample.occurrences.code)
    for size in (2, 1000):
        rows: list[int] = []
        for batch in sample.batches(masking, size):  # type: ignore[arg-type]
            rows += range(pairs)[batch.rows]
            code = torch.from_numpy(sample.occurrences.code[batch.rows]).long()
            alone = agent.tokenizer.codebook[code][:, :, None, None] * batch.positions[:, None]
            torch.testing.assert_close(batch.latents[batch.owner] * batch.positions[:, None], alone)
            step = torch.from_numpy(sample.occurrences.step[batch.rows]).long()
            assert torch.equal(batch.frames[batch.owner], sample.frames[step])
        assert rows == list(range(pairs))


def test_occurrences_are_drawn_evenly_and_parts_make_the_whole(stores: tuple[Path, Path]) -> None:
    play = open_store(stores[1], ROLLOUTS)
    steps = np.array([0, 2, 3, 5])
    everything = select_all(play, steps)
    drawn = np.zeros(len(everything.occurrences.step))
    names = list(zip(steps[everything.occurrences.step], everything.occurrences.code, strict=True))
    for seed in range(400):
        some = select_occurrences(play, steps, 5, np.random.default_rng(seed))
        chosen = zip(some.steps[some.occurrences.step], some.occurrences.code, strict=True)
        rows = [names.index(name) for name in chosen]
        assert rows == sorted(set(rows))
        assert len(rows) == 5
        np.testing.assert_array_equal(np.unique(some.occurrences.step), np.arange(len(some)))
        drawn[rows] += 1
        parts = [some.part(range(n, n + 1)) for n in range(len(some))]
        assert [part.occurrences.code.tolist() for part in parts] == [
            some.occurrences.code[some.occurrences.step == n].tolist() for n in range(len(some))
        ]
        assert all((part.occurrences.step == 0).all() for part in parts)
    expected = 400 * 5 / len(drawn)
    assert (np.abs(drawn - expected) < 5 * np.sqrt(expected)).all()
    every = select_occurrences(play, steps, 999, np.random.default_rng(0))
    np.testing.assert_array_equal(every.occurrences.keys(), everything.occurrences.keys())


def test_neither_workers_nor_a_crash_change_a_bit(
    stores: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRISLIB_DEVICE", "cpu")
    monkeypatch.setattr(attribute_module, "VARIED", 2)
    config = SensitivityConfig(3, 4, 2)
    for workers in "12":
        monkeypatch.setenv("IRISLIB_WORKERS", workers)
        attribute(stores, config, tmp_path / workers)
    calls = []

    def compare_few(*args: Any) -> list[Variant]:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return compare_methods(*args)

    monkeypatch.setenv("IRISLIB_WORKERS", "1")
    with monkeypatch.context() as interrupted:
        interrupted.setattr(attribute_module, "compare_methods", compare_few)
        with pytest.raises(KeyboardInterrupt):
            attribute(stores, config, tmp_path / "again")
    kept = [file.name for file in (tmp_path / "again/work").glob("attributions-*/*")]
    assert kept == ["parts-000002-000003.npz"]  # the last part, which is computed first
    attribute(stores, config, tmp_path / "again")
    made = {digest(tmp_path / name / "attributions.zarr") for name in ("1", "2", "again")}
    assert len(made) == 1


def test_intervals_are_over_episodes() -> None:
    rng = np.random.default_rng(0)
    episode = np.repeat(np.arange(30), 20)
    hit = np.repeat(rng.random(30) < 0.3, 20)  # all of an episode, or nothing
    low, high = share_interval(hit, episode, np.random.default_rng(1))
    assert low <= hit.mean() <= high
    width = 2 * 1.96 * np.sqrt(hit.mean() * (1 - hit.mean()) / 30)
    assert high - low == pytest.approx(width, rel=0.25)
    alone = share_interval(rng.random(600) < 0.3, episode, np.random.default_rng(1))
    assert alone[1] - alone[0] < 0.5 * (high - low)
    assert np.isnan(share_interval(hit, np.zeros(600, int), rng)).all()
    _, error = mean_and_error(hit.astype(np.float64), episode)
    assert 4 * error == pytest.approx(width, rel=0.1)
    mean, error = mean_and_error(np.array([1.0, np.nan, 3.0]), np.array([0, 1, 1]))
    assert mean == 2
    assert error == pytest.approx(1)
    assert np.isnan(mean_and_error(np.full(2, np.nan), np.arange(2))).all()


def test_lost_to_a_threshold() -> None:
    maps = np.zeros((4, 4, 4), np.float32)
    maps[0, 0, 0], maps[1, 1, 1], maps[2, 2, 2] = 1.0, 0.4, -1.0
    extremes = Extremes.of(maps, (SIZE, SIZE), CROP)
    shares = decompose(extremes, np.array([0, 1, 2, 3]), Population(8, 2, 8, 4), CROP.threshold)
    assert (shares["zero"], shares["negative"], shares["positive"], shares["mixed"]) == (0.25, 0.25, 0.5, 0)
    assert (shares["faint"], shares["no_region"]) == (0.25, 0)
    large = CropConfig(threshold=0.5, min_area=SIZE * SIZE, max_per_code=1, connectivity=1)
    assert not Extremes.of(maps, (SIZE, SIZE), large).share.any()
    assert (shares["unused"], shares["absent"], shares["codes_always_empty"]) == (0.5, 0, 0.75)


@pytest.mark.parametrize("score", ["mean", "norm", "neg_error"])
def test_image_faithfulness_is_the_area_between_insertion_and_deletion(score: Score) -> None:
    generator = torch.manual_seed(0)
    with_code, without = (torch.randn(1, 3, 6, 6, generator=generator) for _ in range(2))
    frame = torch.randint(0, 256, (1, 6, 6, 3), dtype=torch.uint8, generator=generator)
    gain = (score_pixels(score, with_code, frame) - score_pixels(score, without, frame)).numpy()
    raw = torch.randn(1, 3, 3, generator=generator).numpy()

    def gap(values: np.ndarray) -> float:
        """Insertion minus deletion, a pixel at a time."""
        order = torch.from_numpy(np.argsort(-values.ravel(), kind="stable").copy())
        curves = []
        for first, second in ((with_code, without), (without, with_code)):
            scores = []
            for n in range(37):
                chosen = torch.zeros(36, dtype=torch.bool).index_fill(0, order[:n], True).view(6, 6)
                scores.append(float(score_images(score, torch.where(chosen, first, second), frame)))
            curves.append(np.trapezoid(scores, dx=1 / 36))
        return float(curves[0] - curves[1])

    expected = gap(upsample(raw, (6, 6))[0]) / gap(gain[0])
    assert image_faithfulness(raw, gain)[0] == pytest.approx(expected, abs=1e-4)


def test_image_faithfulness_at_its_ends() -> None:
    gain = np.random.default_rng(0).normal(size=(1, 5, 5)).astype(np.float32)
    for maps, expected in ((gain, 1), (-gain, -1), (np.ones_like(gain), 0)):
        np.testing.assert_allclose(image_faithfulness(maps, gain), expected, atol=1e-6)
    assert np.isnan(image_faithfulness(gain, np.ones_like(gain)))


def test_latent_areas_are_curves_of_the_score() -> None:
    generator = torch.manual_seed(0)
    latents, maps = torch.randn(2, 3, 2, 2, generator=generator), torch.randn(2, 2, 2, generator=generator)

    def objective(latents: torch.Tensor) -> torch.Tensor:
        return latents.sum((1, 2, 3)).square()

    nothing = torch.zeros(1, 3, 2, 2)
    inserted, deleted = latent_areas(objective, latents, maps, nothing)
    for n in range(2):
        order = maps[n].flatten().argsort(descending=True)
        values = latents[n].sum(0).flatten()[order]
        curve = torch.cat([torch.zeros(1), values.cumsum(0)]).square()
        torch.testing.assert_close(inserted[n], torch.trapezoid(curve, dx=0.25))
        curve = torch.cat([values.flip(0).cumsum(0).flip(0), torch.zeros(1)]).square()
        torch.testing.assert_close(deleted[n], torch.trapezoid(curve, dx=0.25))
    backwards = latent_areas(objective, latents, -maps, nothing)
    torch.testing.assert_close(backwards, (deleted, inserted))


def test_another_threshold_needs_no_attributions(stores: tuple[Path, Path], tmp_path: Path) -> None:
    """The regions that a map keeps are known at every threshold, as if it were thresholded again."""
    config = replace(CROP, threshold=0.9, min_area=12)
    attribute(stores, SensitivityConfig(99, 999, 1), tmp_path, config)
    lost = []
    for threshold in (0.2, 0.9, 1.0):
        changed = replace(config, threshold=threshold)
        measure_sensitivity(changed, 0, attributions=tmp_path / "attributions.zarr", out=tmp_path)
        table = pd.read_csv(tmp_path / "sensitivity.csv")
        lost.append(table.set_index(["score", "layer", "masking"])["no_region"])
    assert (lost[0] <= lost[1]).all()
    assert (lost[1] <= lost[2]).all()
    assert lost[0].sum() < lost[1].sum() < lost[2].sum()


def test_maps_that_are_not_finite_end_the_stage_in_one_line(
    agent: Agent, stores: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = copy.deepcopy(agent.tokenizer)
    tokenizer.codebook[0] = float("nan")
    monkeypatch.setattr(attribute_module, "load_recorded_tokenizer", lambda *_: tokenizer)
    monkeypatch.setenv("IRISLIB_WORKERS", "1")
    with pytest.raises(ArtifactError, match=r"^attributions: some maps are not finite; mend .*$"):
        attribute(stores, SensitivityConfig(2, 99, 1), tmp_path)
    assert not (tmp_path / "attributions.zarr").exists()


@pytest.mark.parametrize("change", [{"min_area": 5}, {"connectivity": 2}])
def test_attributions_of_other_regions_are_refused(
    reports: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(ArtifactError, match=rf"zarr: made with another crop\.{next(iter(change))}; run the "):
        store = reports / "attributions.zarr"
        measure_sensitivity(replace(CROP, **change), 0, attributions=store, out=tmp_path)
    assert not (tmp_path / "sensitivity.csv").exists()


def test_more_cannot_be_attributed_than_observed() -> None:
    with pytest.raises(ParamError, match=r"^sensitivity\.attributed: .*observations, 2"):
        values = {"observations": 2, "occurrences": 9, "attributed": 3}
        parse_section({"sensitivity": values}, "sensitivity", SensitivityConfig)


def test_figures_say_what_the_tables_say(tables: dict[str, pd.DataFrame]) -> None:
    with publication():
        one = sensitivity.draw(tables["sensitivity"])
        two = attributions.draw(tables["attributions"])
    (axes,) = one.figure.axes
    widths = np.array([[bar.get_width() for bar in part] for part in axes.containers])
    np.testing.assert_allclose(widths.sum(axis=0), 1, atol=1e-4)
    assert widths.min() > -1e-6
    # Of each of six choices, what the run has stands once, in the first line.
    assert widths.shape[1] == 1 + (3 + 7 + 2 + 2 + 3 + 3) - 6
    assert f"Over all {3 * 7 * 2} combinations" in one.note
    empty = tables["attributions"].set_index(["method", "masking"])["present_occurrences"]
    first = next(one for one in two.figure.axes[0].collections if isinstance(one, PathCollection))
    shown = [float(x) for x in np.asarray(first.get_offsets())[:, 0]]
    assert shown == list(empty.xs("before", level="masking"))
