"""Tokenizers of the tests' own through the analysis: one knows what it sees, the other sees nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import own_tokenizers
import pandas as pd
import pytest
import torch
from tiny import CONFIG, ENV

from irislib.agent import Agent
from irislib.artifacts import open_store
from irislib.interpret.attribution.change import ChangeConfig, compute_changes
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.interpret.crops.cropping import crop_regions
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedding.embed import EmbedConfig, embed_crops
from irislib.interpret.embedding.recogniser import save_recogniser
from irislib.interpret.embedding.resnet import build_resnet50
from irislib.interpret.labels.truth import read_truth
from irislib.interpret.metrics import compute_metrics
from irislib.interpret.metrics_config import MetricsConfig
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.report.tables import read_metrics
from irislib.stores.rollouts import ROLLOUTS

EPISODES = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained agent, an untrained embedder, and the truth of the play that the agent's seeds give."""
    root = tmp_path_factory.mktemp("own")
    torch.manual_seed(0)
    for name in ("agent", "embedder"):
        (root / name).mkdir()
    Agent(CONFIG).save(root / "agent")
    save_recogniser(build_resnet50(16, 512, 3), 16, 32, ["a", "b", "c"], 0, root / "embedder")
    play(root, root / "known.zarr", None)
    cells, label = known_cells(root / "known.zarr")
    np.savez(root / "table.npz", cells=cells, label=label)
    return root


def play(root: Path, out: Path, tokenizer: str | None) -> None:
    config = RolloutConfig(EPISODES, 4, 1.0, tokenizer=tokenizer)
    roll_out(config, env=ENV, seed=0, agent=root / "agent", work=root / "work", out=out)


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
            crop = CropConfig(threshold=0.5, min_area=16, max_per_code=60, connectivity=1)
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


def test_the_oracle_is_pure_and_consistent(results: dict[str, tuple[dict[str, Any], pd.DataFrame]]) -> None:
    metrics, codes = results["oracle"]
    cells = metrics["semantics"]["cells"]
    assert cells["purity"] == cells["homogeneity"] == cells["completeness"] == 1
    assert cells["purity_null"] < 0.9 and cells["nmi_null"] < 0.1
    assert metrics["empty_share"]["present_occurrences"] == 0
    tested = codes[codes["p_value"].notna()]
    common = tested[tested["crops"] >= 30]
    assert len(common) >= 3
    assert (common["consistent"].astype(str) == "True").mean() >= 0.6
    assert (common["difference"] > 0).mean() >= 0.75


def test_the_random_one_is_at_chance(results: dict[str, tuple[dict[str, Any], pd.DataFrame]]) -> None:
    metrics, codes = results["random"]
    cells = metrics["semantics"]["cells"]
    for measure in ("purity", "nmi"):
        assert cells[measure] == pytest.approx(cells[f"{measure}_null"], abs=0.01)
    tested = codes[codes["p_value"].notna()]
    assert len(tested) == 12
    assert (tested["consistent"].astype(str) == "True").sum() <= 1
    assert tested["difference"].abs().max() < 0.05
