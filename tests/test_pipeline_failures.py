"""The pipeline, at the smoke profile's size, when it is killed, finds damage or is asked for nonsense."""

import importlib
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Checkout
from repro import STORES, ran, restored, set_params
from ruamel.yaml import YAML

from irislib.artifacts import digest, open_store
from irislib.stores.heatmaps import HEATMAPS


def killed_when(checkout: Checkout, ready: Callable[[], bool], *command: str) -> None:
    """Starts a command and kills it, as a crash would, once `ready`."""
    process = subprocess.Popen(
        command,
        cwd=checkout.root,
        env=checkout.env() | {"IRISLIB_WORKERS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not ready() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"


def killed_and_resumed(
    checkout: Checkout, tmp_path: Path, stage: str, whole: Path, half_done: str, *options: str
) -> str:
    """Kills a stage once `half_done` is there and runs it again; returns what the second run printed.

    It must end with the artifact `whole`, and leave no work behind.
    """
    work, out = tmp_path / "work", tmp_path / "out"
    command = ("python", "-m", f"stages.{stage}", "--work", str(work), "--out", str(out), *options)
    killed_when(checkout, lambda: any(work.glob(half_done)), *command)
    assert not out.exists()
    resumed = checkout.run(*command)
    assert digest(out) == digest(whole)
    assert not any(work.iterdir())
    return resumed.stderr


def test_killed_training_resumes_to_the_same_agent(built: Checkout, tmp_path: Path) -> None:
    printed = killed_and_resumed(built, tmp_path, "train", built.root / "data/agent", "train-*/checkpoint.pt")
    assert "epoch 1" not in printed
    assert "epoch 2" in printed


def test_killed_rollout_resumes_to_the_same_store(built: Checkout, tmp_path: Path) -> None:
    whole, half_done = built.root / "data/rollouts.zarr", "rollout-*/episodes-000000-*.npz"
    printed = killed_and_resumed(built, tmp_path, "rollout", whole, half_done)
    assert "0/2 " in printed  # of 4 episodes, 2 were kept


def test_killed_gradcam_resumes_to_the_same_store(built: Checkout, tmp_path: Path) -> None:
    yaml = YAML()
    params = yaml.load(built.root / "params.yaml")
    params["gradcam"]["score"] = "neg_error"  # a map a pair: several shards, however few codes are in use
    yaml.dump(params, tmp_path / "params.yaml")
    options, whole = ("--params", str(tmp_path / "params.yaml")), tmp_path / "whole"
    built.run("python", "-m", "stages.gradcam", "--out", str(whole), *options)
    half_done = "gradcam-*/maps-000000-*.npz"
    printed = killed_and_resumed(built, tmp_path, "gradcam", whole, half_done, *options)
    maps = len(open_store(whole, HEATMAPS))
    (left,) = set(re.findall(r"maps by gradcam of neg_error: +0%.* 0/(\d+) ", printed))
    assert 0 < int(left) < maps


def test_two_processes_do_not_share_one_result(built: Checkout, tmp_path: Path) -> None:
    work = tmp_path / "work"
    command = ("python", "-m", "stages.train", "--work", str(work), "--out", str(tmp_path / "agent"))
    first = subprocess.Popen(command, cwd=built.root, env=built.env(), stderr=subprocess.DEVNULL)
    try:
        while not any(work.glob("train-*.lock")):
            time.sleep(0.01)
        time.sleep(0.5)
        second = built.run(*command, check=False)
    finally:
        first.kill()
        first.wait()
    assert second.returncode == 1
    assert "another process is at work" in second.stderr


def test_a_mistake_in_the_last_section_stops_the_first_stage(built: Checkout) -> None:
    with restored(built):
        failed = built.run(
            *("dvc", "exp", "run", "-S", "gradcam.score=norm", "-S", "plots.dpi=0"), check=False
        )
        assert failed.returncode != 0
        assert ran(failed.stdout) == ["gradcam"]
        (line,) = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
        assert line.startswith("error: plots.dpi: ")
        assert "maps by gradcam" not in failed.stderr  # it did no work
        assert "git checkout params.yaml" in failed.stderr


@pytest.mark.parametrize(
    ("change", "key"),
    [({"rollout__speed": 3}, "rollout.speed"), ({"gradcam__layer": "encoder.conv_in"}, "gradcam.layer")],
    ids=["found before the first stage", "found by a stage"],
)
def test_an_error_says_how_to_get_the_results_back(built: Checkout, change: dict[str, Any], key: str) -> None:
    before = {store: digest(built.root / f"data/{store}.zarr") for store in STORES}
    with restored(built):
        set_params(built, **change)
        failed = built.run("dvc", "repro", check=False)
        assert failed.returncode != 0
        (line,) = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
        assert key in line
        assert "Traceback" not in failed.stderr
        assert "dvc checkout (data/ and the page), git checkout reports (tables and" in failed.stderr
        built.run("dvc", "checkout")
        assert {store: digest(built.root / f"data/{store}.zarr") for store in STORES} == before


def one_line(result: Result) -> str:
    """The complaint of a command that refused to work."""
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_an_impossible_horizon_is_refused(built: Checkout, tmp_path: Path) -> None:
    yaml = YAML()
    params = yaml.load(built.root / "params.yaml")
    params["train"]["fit"]["actor_critic"]["horizon"] = 99
    yaml.dump(params, tmp_path / "params.yaml")
    command = importlib.import_module("stages.train").main
    line = one_line(CliRunner().invoke(command, ["--params", str(tmp_path / "params.yaml")]))
    assert line.startswith("error: train.fit.actor_critic.horizon: 99 imagined steps")


STAGES_READING = {
    "rollout": ("agent",),
    "gradcam": ("agent", "rollouts"),
    "change": ("agent", "rollouts"),
    "crop": ("rollouts", "changes"),
    "embed": ("rollouts", "crops", "embedder"),
    "metrics": ("agent", "rollouts", "heatmaps", "changes", "crops", "embeddings"),
    "compare": ("embedder", "rollouts", "changes", "crops", "embeddings"),
    "baselines": ("agent", "embedder", "rollouts", "heatmaps", "changes"),
    "plots": ("agent", "embedder", "rollouts", "heatmaps", "changes", "crops", "embeddings"),
}


@pytest.mark.parametrize("stage", STAGES_READING)
@pytest.mark.parametrize("harm", ["missing", "foreign", "damaged"])
def test_harmed_artifacts_end_in_one_line(
    built: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, harm: str
) -> None:
    """The last input of each stage is gone, another kind of artifact, or cut short."""
    monkeypatch.chdir(built.root)
    name = STAGES_READING[stage][-1]
    path, out = tmp_path / name, tmp_path / "out"
    source = Path(f"data/{name}" if name in ("agent", "embedder") else f"data/{name}.zarr")
    if harm == "foreign":
        shutil.copytree("data/crops.zarr" if name != "crops" else "data/heatmaps.zarr", path)
    elif harm == "damaged":
        shutil.copytree(source, path)
        largest = max((f for f in path.rglob("*") if f.is_file()), key=lambda f: f.stat().st_size)
        largest.write_bytes(largest.read_bytes()[:-1])
    options = [f"--{name}", str(path), "--reports" if stage == "plots" else "--out", str(out)]
    if stage == "plots":
        shutil.copytree("reports", out)
        before = digest(out)
    line = one_line(CliRunner().invoke(importlib.import_module(f"stages.{stage}").main, options))
    assert str(path) in line
    assert ";" in line  # a remedy follows
    assert digest(out) == before if stage == "plots" else not out.exists()
