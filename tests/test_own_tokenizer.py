"""Tokenizers of the tests' own through the analysis: one knows what it sees, the other sees nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import own_tokenizers
import pandas as pd
import pytest
import torch
from test_comparison import Histogram
from tiny import CONFIG, ENV

from irislib.agent import Agent
from irislib.artifacts import open_store
from irislib.interpret.attribution.change import ChangeConfig, compute_changes
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.interpret.crops.cropping import crop_regions
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedding.embed import EmbedConfig, embed_crops
from irislib.interpret.embedding.weights import EMBEDDERS
from irislib.interpret.labels.truth import read_truth
from irislib.interpret.metrics import compute_metrics
from irislib.interpret.metrics_config import MetricsConfig
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.report.tables import read_metrics
from irislib.stores.rollouts import ROLLOUTS

EPISODES = 30
SHORT = replace(ENV, length=15)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained agent, and the truth of the play that its seeds give."""
    root = tmp_path_factory.mktemp("own")
    torch.manual_seed(0)
    (root / "agent").mkdir()
    Agent(CONFIG).save(root / "agent")
    play(root, root / "known.zarr", None)
    cells, label = known_cells(root / "known.zarr")
    np.savez(root / "table.npz", cells=cells, label=label)
    return root


def play(root: Path, out: Path, tokenizer: str | None) -> None:
    config = RolloutConfig(EPISODES, 4, 1.0, tokenizer=tokenizer)
    roll_out(config, env=SHORT, seed=0, agent=root / "agent", work=root / "work", out=out)


def known_cells(rollouts: Path) -> tuple[np.ndarray, np.ndarray]:
    """The different pictures of the world's cells in recorded play, and the label of each."""
    store = open_store(rollouts, ROLLOUTS)
    truth = read_truth(store)
    pixels = own_tokenizers.cut_cells(store.read("obs"))[:, : own_tokenizers.GRID - 2]
    cells, first, row = np.unique(
        pixels.reshape(-1, pixels.shape[-1]), axis=0, return_index=True, return_inverse=True
    )
    label = truth.label.ravel().astype(np.int64)
    np.testing.assert_array_equal(label, label[first][row.ravel()])  # a picture tells the label
    return cells, label[first]


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, tuple[dict[str, Any], pd.DataFrame]]:
    """All numbers and codes.csv about each tokenizer, by the stages one after the other."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(own_tokenizers.TABLE, str(folder / "table.npz"))
        patch.setenv("IRISLIB_WORKERS", "1")
        patch.setitem(EMBEDDERS, "random", Histogram(blind=False).make)
        for name in ("oracle", "random"):
            out = folder / name
            paths = {s: out / f"{s}.zarr" for s in ("rollouts", "heatmaps", "changes", "crops", "embeddings")}
            play(folder, paths["rollouts"], f"own_tokenizers:{name}")
            inputs: dict[str, Any] = {"seed": 0, "rollouts": paths["rollouts"]}
            maps = GradcamConfig("gradcam", "mean", "code_input", samples=1, batch_size=64)
            work = folder / "work"
            compute_heatmaps(maps, agent=folder / "agent", work=work, out=paths["heatmaps"], **inputs)
            change = {"agent": folder / "agent", "rollouts": paths["rollouts"], "work": work}
            compute_changes(ChangeConfig(64), out=paths["changes"], **change)
            crop = CropConfig(threshold=0.5, min_area=16, max_per_code=100, connectivity=1)
            crop_regions(crop, changes=paths["changes"], out=paths["crops"], **inputs)
            embed = EmbedConfig("random", 32, 64)
            embedder = folder / "embedder"
            embed_crops(embed, crops=paths["crops"], embedder=embedder, out=paths["embeddings"], **inputs)
            config = MetricsConfig(0.05, 5, 10, 0.05, 3, 16)
            compute_metrics(config, seed=0, agent=folder / "agent", out=out, **paths)
            codes = pd.read_csv(out / "codes.csv", keep_default_na=False, na_values=["", "nan"])
            found[name] = read_metrics(out).content, codes
    return found


def test_who_plays_is_not_whose_codes_are_read(folder: Path, results: Any) -> None:
    stores = [open_store(folder / name, ROLLOUTS) for name in ("known.zarr", "oracle/rollouts.zarr")]
    for array in ("obs", "action", "reward", "episode"):
        before, after = (store.read(array) for store in stores)
        np.testing.assert_array_equal(before, after)
    assert stores[1].attrs["tokenizer"]["source"] == "own_tokenizers:oracle"
    assert stores[1].read("token").shape[1:] == (9, 9)


def common_labels(metrics: dict[str, Any], codes: pd.DataFrame) -> pd.DataFrame:
    """The codes of the world that enough episodes show at changing places to test them on either half."""
    common = codes[codes["confirmed"].notna() & (codes["kind"] == "world") & (codes["label"] != "player")]
    assert len(common) >= 3
    return common


def test_the_oracle_is_pure_and_named(results: dict[str, tuple[dict[str, Any], pd.DataFrame]]) -> None:
    metrics, codes = results["oracle"]
    assert [metrics["world"][name] for name in ("purity", "nmi", "homogeneity", "completeness")] == [1] * 4
    assert metrics["world"]["purity_null"] < 0.9 and metrics["world"]["nmi_null"] < 0.1
    assert metrics["world"]["nmi_place"] < 0.7
    assert metrics["empty_share"]["present_occurrences"] == 0
    common = common_labels(metrics, codes)
    assert list(common["name"]) == list(common["label"])
    assert (common["name_share"] > common["name_expected"]).all()
    # The player is always in the middle of the frame, so its place tells as much as its code.
    assert codes.loc[codes["label"] == "player", "name"].isna().all()
    assert codes["name"].dropna().isin(codes["label"]).all()
    assert metrics["names"]["confirmed"] > 10 * metrics["names"]["null"]


def test_the_oracle_is_consistent(results: dict[str, tuple[dict[str, Any], pd.DataFrame]]) -> None:
    common = common_labels(*results["oracle"])
    rare = common[common["label"] != "grass"]  # other episodes show grass at the same places
    assert len(rare) >= 2
    assert rare["consistent"].astype(str).eq("True").all()
    assert (rare["difference_low"] > 0).all()


def test_the_random_one_is_at_chance(results: dict[str, tuple[dict[str, Any], pd.DataFrame]]) -> None:
    metrics, codes = results["random"]
    world = metrics["world"]
    for measure in ("purity", "nmi"):
        for baseline in ("null", "place"):
            assert world[measure] == pytest.approx(world[f"{measure}_{baseline}"], abs=0.01)
    assert codes["confirmed"].notna().sum() == metrics["consistency"]["tested"] == 12
    for family in ("consistency", "names", "items", "pairs"):
        assert metrics[family]["holds"] <= 1 and metrics[family]["confirmed"] <= 0.5, family
    assert codes["difference"].abs().max() < 0.05
