"""What the sensitivity stage writes, against the definitions and against the pipeline's own numbers."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from recordings import record_play
from test_dictionary import described
from tiny import make_decoding_agent

from irislib.agent import Agent
from irislib.artifacts import open_store
from irislib.errors import ArtifactError, ParamError
from irislib.interpret.attribution.emptiness import empty_shares
from irislib.interpret.attribution.faithfulness import image_faithfulness, latent_areas
from irislib.interpret.attribution.gradcam import Score, gradcam, score_images, score_pixels
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.interpret.attribution.occurrences import find_occurrences
from irislib.interpret.attribution.sample import Sample, load_sample
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.evidence import read_maps
from irislib.interpret.sensitivity.attribute import attribute_sample
from irislib.interpret.sensitivity.config import SensitivityConfig
from irislib.interpret.sensitivity.emptiness_causes import Extremes, Population, decompose
from irislib.interpret.sensitivity.measure import measure_sensitivity
from irislib.interpret.sensitivity.method_comparison import compare_methods
from irislib.interpret.upsampling import upsample
from irislib.params import parse_section
from irislib.report.figures.maps import attributions, sensitivity
from irislib.report.style import publication
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.config import TokenizerConfig, VectorQuantizerConfig
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
    record_play(rollouts, rng.integers(0, 256, (STEPS, SIZE, SIZE, 3), np.uint8), tokens, CODES, folder)
    return folder, rollouts


def measure(
    stores: tuple[Path, Path], out: Path, observations: int = 99, seed: int = 0
) -> dict[str, pd.DataFrame]:
    config = SensitivityConfig(observations, min(observations, 2))
    attribute_sample(
        config, MAPS, CROP, seed, agent=stores[0], rollouts=stores[1], out=out / "attributions.zarr"
    )
    measure_sensitivity(CROP, attributions=out / "attributions.zarr", out=out)
    return {name: pd.read_csv(out / f"{name}.csv") for name in TABLES}


@pytest.fixture(scope="module")
def tables(stores: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """Of all observations."""
    return measure(stores, tmp_path_factory.mktemp("reports"))


def test_every_combination_is_a_row_and_the_pipelines_own_is_marked(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["sensitivity"].set_index(["score", "layer", "masking"])
    layers = ["code_input", "post_quant_conv", "decoder.conv_in", "decoder.mid"]
    layers += [f"decoder.up.{level}" for level in (2, 1, 0)]
    assert set(table.index) == set(product(["mean", "norm", "neg_error"], layers, ["before", "after"]))
    assert table.index.is_unique
    assert list(table.index[table["chosen"]]) == [(MAPS.score, MAPS.layer, "before")]
    methods = tables["attributions"].set_index(["method", "masking"])
    assert methods.index.is_unique
    assert len(methods) == 5 * 2


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
    config = TokenizerConfig(VectorQuantizerConfig("vq", 16, 4, 0), 4, 4, (1, 1, 2), 1, ())
    tokenizer = Tokenizer(config, (SIZE, SIZE)).requires_grad_(False).eval()
    torch.nn.init.normal_(tokenizer.codebook)
    tokens = torch.randperm(16).view(1, GRID, GRID)
    frames = torch.zeros(1, SIZE, SIZE, 3, dtype=torch.uint8)
    sample = Sample(tokenizer, tokens, frames, find_occurrences(tokens.numpy()))
    background = torch.zeros(1, 4, GRID, GRID)
    variants = compare_methods(sample, MAPS, CROP, background)
    table = pd.DataFrame([one.key | one.measured for one in variants]).set_index("method")
    occlusion, others = table.loc["occlusion"], table.drop("occlusion")
    assert (occlusion["right_sign"] == 1).all()
    assert (occlusion["missed"] == 0).all()
    assert (others["right_sign"] < 1).any()
    assert (table["latents"] == table["insertion"] - table["deletion"]).all()


def test_masked_after_the_gradient_a_map_is_its_observations_cut_to_the_code(
    agent: Agent, stores: tuple[Path, Path]
) -> None:
    sample = load_sample(open_store(stores[1], ROLLOUTS), agent.tokenizer, np.array([1, 4]))
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
    sample = load_sample(open_store(stores[1], ROLLOUTS), agent.tokenizer, np.array([0, 2, 5]))
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


def test_lost_to_a_threshold() -> None:
    maps = np.zeros((4, 4, 4), np.float32)
    maps[0, 0, 0], maps[1, 1, 1], maps[2, 2, 2] = 1.0, 0.4, -1.0
    extremes = Extremes.of(maps, (SIZE, SIZE), CROP)
    shares = decompose(extremes, np.array([0, 1, 2, 3]), Population(8, 2, 8, 4), CROP.threshold)
    assert (shares["zero"], shares["negative"], shares["positive"], shares["mixed"]) == (0.25, 0.25, 0.5, 0)
    assert (shares["faint"], shares["no_region"]) == (0.25, 0)
    large = CropConfig(threshold=0.5, min_area=SIZE * SIZE, max_per_code=1, connectivity=1)
    assert not Extremes.of(maps, (SIZE, SIZE), large).level.any()
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
    attribute_sample(
        SensitivityConfig(99, 1), MAPS, config, 0, agent=stores[0], rollouts=stores[1], out=tmp_path / "store"
    )
    lost = []
    for threshold in (0.2, 0.9, 1.0):
        measure_sensitivity(
            replace(config, threshold=threshold), attributions=tmp_path / "store", out=tmp_path
        )
        table = pd.read_csv(tmp_path / "sensitivity.csv")
        lost.append(table.set_index(["score", "layer", "masking"])["no_region"])
    assert (lost[0] <= lost[1]).all()
    assert (lost[1] <= lost[2]).all()
    assert lost[0].sum() < lost[1].sum() < lost[2].sum()


@pytest.mark.parametrize("change", [{"min_area": 5}, {"connectivity": 2}])
def test_attributions_of_other_regions_are_refused(
    stores: tuple[Path, Path], tmp_path: Path, change: dict[str, Any]
) -> None:
    attribute_sample(
        SensitivityConfig(1, 1), MAPS, CROP, 0, agent=stores[0], rollouts=stores[1], out=tmp_path / "store"
    )
    with pytest.raises(
        ArtifactError, match=rf"store: made with another crop\.{next(iter(change))}; run the "
    ):
        measure_sensitivity(replace(CROP, **change), attributions=tmp_path / "store", out=tmp_path)
    assert not (tmp_path / "sensitivity.csv").exists()


def test_more_cannot_be_attributed_than_observed() -> None:
    with pytest.raises(ParamError, match=r"^sensitivity\.attributed: .*observations, 2"):
        parse_section({"sensitivity": {"observations": 2, "attributed": 3}}, "sensitivity", SensitivityConfig)


def test_figures_say_what_the_tables_say(tables: dict[str, pd.DataFrame]) -> None:
    with publication():
        one = sensitivity.draw(tables["sensitivity"])
        two = attributions.draw(tables["attributions"])
    (axes,) = one.figure.axes
    widths = np.array([[bar.get_width() for bar in part] for part in axes.containers])
    np.testing.assert_allclose(widths.sum(axis=0), 1, atol=1e-4)
    assert widths.min() > -1e-6
    assert widths.shape[1] == 3 + 7 + 2 + 2 + 3 + 3
    assert f"Over all {3 * 7 * 2} combinations" in one.note
    empty = tables["attributions"].set_index(["method", "masking"])["present_occurrences"]
    shown = [bar.get_width() for bar in two.figure.axes[0].containers[0]]
    assert shown == list(empty.xs("before", level="masking"))
