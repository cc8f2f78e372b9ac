"""A Δ-IRIS agent through the pipeline: placed, taken as it is, played, analysed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from test_comparison import Histogram
from tiny import ENV, TRAIN
from tiny_delta import CONFIG, make_agent, save_official

from irislib.agent.load import load_any_agent
from irislib.artifacts import Store, open_store
from irislib.errors import ParamError
from irislib.interpret.attribution.attributions import explain
from irislib.interpret.attribution.change import ChangeConfig, average_blocks, compute_changes
from irislib.interpret.attribution.gradcam import ImageScore
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.interpret.baseline_comparison import compare_baselines
from irislib.interpret.crops.cropping import crop_regions
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedding.embed import EmbedConfig, embed_crops
from irislib.interpret.embedding.weights import EMBEDDERS
from irislib.interpret.metrics import compute_metrics
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.sensitivity.attribute import attribute_sample
from irislib.interpret.sensitivity.config import SensitivityConfig
from irislib.interpret.tokens.recording import read_recording
from irislib.interpret.tokens.summary import measure_tokens
from irislib.playing.evaluation import EvaluationConfig, evaluate
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.report.tables import read_metrics
from irislib.stores.changes import CHANGES
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.context import Context, Given, InPlay, past_of
from irislib.tokenizers.delta_iris import DeltaIrisTokenizer
from irislib.tokenizers.load import load_recorded_tokenizer, load_tokenizer, tokenizer_digest
from irislib.training.train import train
from stages.init import place

CPU = torch.device("cpu")
SHORT = replace(ENV, length=8)
PARAMS = Path(__file__).parent.parent / "params.yaml"
CROP = CropConfig(threshold=0.5, min_area=16, max_per_code=20, connectivity=1)
METRICS = MetricsConfig(0.05, 5, 10, 0.05, 3, 16)
EMBED = EmbedConfig("random", 32, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent as the train stage takes it, and four episodes of its play."""
    root = tmp_path_factory.mktemp("delta")
    place(save_official(make_agent(), root / "last.pt"), root / "init/agent", 4, PARAMS)
    taken = replace(TRAIN, epochs=0)
    train(taken, SHORT, 0, root / "init/agent", root / "work", root / "agent", root / "snapshots")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRISLIB_WORKERS", "1")
        play = {"agent": root / "agent", "work": root / "work", "out": root / "rollouts.zarr"}
        roll_out(RolloutConfig(4, 2, 1.0), env=SHORT, seed=0, **play)
    return root


@pytest.fixture(scope="module")
def stores(folder: Path) -> dict[str, Path]:
    """Maps, crops and features, by the stages one after the other."""
    paths = {name: folder / f"{name}.zarr" for name in ("heatmaps", "changes", "crops", "embeddings")}
    paths["rollouts"] = folder / "rollouts.zarr"
    inputs: dict[str, Any] = {"seed": 0, "rollouts": paths["rollouts"]}
    given: dict[str, Any] = {"agent": folder / "agent", "work": folder / "work"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRISLIB_WORKERS", "1")
        patch.setitem(EMBEDDERS, "random", Histogram(blind=False).make)
        maps = GradcamConfig("gradcam", "mean", "code_input", samples=1, batch_size=16)
        compute_heatmaps(maps, out=paths["heatmaps"], **inputs, **given)
        compute_changes(ChangeConfig(16), rollouts=paths["rollouts"], out=paths["changes"], **given)
        crop_regions(CROP, changes=paths["changes"], out=paths["crops"], **inputs)
        embed_crops(EMBED, crops=paths["crops"], embedder=folder / "e", out=paths["embeddings"], **inputs)
        compute_metrics(METRICS, seed=0, agent=folder / "agent", out=folder, **paths)
    return paths


def recorded(folder: Path) -> tuple[Store, DeltaIrisTokenizer]:
    play = open_store(folder / "rollouts.zarr", ROLLOUTS)
    tokenizer = load_recorded_tokenizer(play, folder / "agent", CPU)
    assert isinstance(tokenizer, DeltaIrisTokenizer)
    return play, tokenizer


def test_the_agent_is_taken_to_the_last_bit(folder: Path) -> None:
    agent, taken = make_agent(), load_any_agent(folder / "agent", CPU)
    assert taken.config == CONFIG
    for name, value in agent.state_dict().items():
        assert torch.equal(value, taken.state_dict()[name]), name
    assert tokenizer_digest(load_tokenizer(folder / "agent", CPU)) == tokenizer_digest(agent.tokenizer)
    assert pd.read_csv(folder / "agent/curves/collect.csv").empty


def test_it_is_not_trained(folder: Path, tmp_path: Path) -> None:
    out = (tmp_path / "work", tmp_path / "agent", tmp_path / "snapshots")
    with pytest.raises(ParamError, match=r"train\.epochs: 3, but .* is a Δ-IRIS agent"):
        train(TRAIN, SHORT, 0, folder / "init/agent", *out)


def test_tokens_are_those_of_the_frame_after_the_one_before(folder: Path) -> None:
    play, tokenizer = recorded(folder)
    frames, actions = torch.from_numpy(play.read("obs")), torch.from_numpy(play.read("action").astype(int))
    episode, tokens = play.read("episode"), torch.from_numpy(play.read("token").astype(np.int64))
    assert len(tokens.unique()) > 4
    for row in range(len(episode)):
        first = row == 0 or episode[row - 1] != episode[row]
        before, action = (frames[row], torch.tensor(0)) if first else (frames[row - 1], actions[row - 1])
        context = Context(before[None, None], action.view(1, 1))
        assert torch.equal(tokenizer.encode(frames[row : row + 1], context)[0], tokens[row])
        if first:  # nothing has happened yet
            after = Given(tokenizer, context)
            assert torch.equal(after.blank(1), after.embed(tokens[row : row + 1]))


def test_a_longer_past_begins_with_the_first_frame_again() -> None:
    arrays = {"obs": np.arange(5).reshape(5, 1, 1, 1).repeat(3, 3).astype(np.uint8)}
    arrays |= {"action": np.array([1, 2, 3, 4, 5]), "episode": np.array([0, 0, 0, 1, 1])}
    context = past_of(lambda name, rows: arrays[name][rows], np.array([0, 1, 2, 4]), 2)
    assert context is not None
    assert context.frames[:, :, 0, 0, 0].tolist() == [[0, 0], [0, 0], [0, 1], [3, 3]]
    assert context.actions.tolist() == [[0, 0], [0, 1], [1, 2], [0, 4]]


def test_each_occurrence_has_its_own_map(folder: Path, stores: dict[str, Path]) -> None:
    """A change is what the code makes of the previous frame, beside a frame that does not change."""
    play, tokenizer = recorded(folder)
    changes, heatmaps = open_store(stores["changes"], CHANGES), open_store(stores["heatmaps"], HEATMAPS)
    step, which = changes.read("occurrence_step"), changes.read("occurrence_map")
    np.testing.assert_array_equal(which, np.arange(len(step)))
    for row in (0, 3, len(step) // 2, len(step) - 1):
        after = InPlay.reading(tokenizer, play.read).at(step[row : row + 1])
        where = torch.from_numpy(changes.read("map_positions")[row : row + 1])
        code = torch.full(where.shape, int(changes.read("map_code")[row]))
        latents = torch.where(where[:, None], after.embed(code), after.blank(1))
        change = (after.decode(latents) - after.decode(after.blank(1))).abs().mean(1)
        high = average_blocks(torch.where(change < 1e-5, 0, change)).max()
        assert changes.read("map_raw_max")[row] == pytest.approx(float(high), rel=1e-3, abs=1e-6)
        score = ImageScore("mean")
        raw = explain("gradcam", after, latents, where, score, "code_input", latents[:0])
        expected = heatmaps.read("heatmap")[row]
        np.testing.assert_allclose(expected, raw[0].relu().numpy(), rtol=1e-2, atol=1e-6)


def test_codes_that_change_nothing_have_empty_maps(folder: Path, stores: dict[str, Path]) -> None:
    play, _ = recorded(folder)
    changes = open_store(stores["changes"], CHANGES)
    first = np.flatnonzero(np.diff(play.read("episode"), prepend=-1))
    still = np.isin(changes.read("occurrence_step"), first)
    high = changes.read("map_raw_max")
    assert (high[still] == 0).all() and (high[~still] > 0).any()


def test_the_metrics_are_complete(folder: Path, stores: dict[str, Path]) -> None:
    metrics = read_metrics(folder).content
    assert metrics["codebook"]["size"] == 32 and metrics["agent"]["psnr_db"] > 0


@pytest.mark.usefixtures("stores")
def test_what_compares_methods_runs(folder: Path, stores: dict[str, Path]) -> None:
    maps = GradcamConfig("gradcam", "mean", "decoder.decoder.0", samples=2, batch_size=8)
    inputs = {"agent": folder / "agent", "rollouts": stores["rollouts"], "work": folder / "work"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRISLIB_WORKERS", "1")
        attribute_sample(SensitivityConfig(6, 12, 2), maps, CROP, 0, out=folder / "a.zarr", **inputs)


def test_baselines_are_beside_it(folder: Path, stores: dict[str, Path]) -> None:
    given = {name: stores[name] for name in ("rollouts", "heatmaps", "changes")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRISLIB_WORKERS", "1")
        patch.setitem(EMBEDDERS, "random", Histogram(blind=False).make)
        where = {"agent": folder / "agent", "embedder": folder / "e", "work": folder / "work"}
        compare_baselines(METRICS, CROP, EMBED, 0, out=folder / "baselines", **where, **given)
    rows = pd.read_csv(folder / "baselines/baselines.csv")
    assert set(rows["tokenizer"]) == {"agent", "mean_colour", "patches", "shuffled"}


def test_tokens_are_measured_as_in_a_study(folder: Path) -> None:
    play, tokenizer = recorded(folder)
    recording = read_recording(play, np.arange(4), 0, tokenizer.context_length)
    found = measure_tokens(tokenizer, recording, {}, METRICS, 0)
    assert found["codes"] == 32 and 0 <= found["locality"] <= 1 and found["sanity"] is not None


def test_the_evaluation_has_the_world_models_losses(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRISLIB_WORKERS", "1")
        place_ = {"agent": folder / "agent", "work": folder / "work", "out": folder / "evaluation.json"}
        evaluate(EvaluationConfig(2, 1.0), SHORT, 0, **place_)
    found = pd.read_json(folder / "evaluation.json", typ="series")
    assert set(found["world_model"]) == {"observations", "rewards", "ends"}
    assert found["world_model"]["ends"] > 0
