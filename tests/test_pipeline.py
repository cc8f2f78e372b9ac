"""The whole pipeline under DVC, at the smoke profile's size, as a user would run it."""

import importlib
import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import xarray
from click.testing import CliRunner, Result
from conftest import Checkout
from ruamel.yaml import YAML

from irislib.artifacts import digest, open_store
from irislib.report.tables import read_metrics
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS

STORES = ("rollouts", "heatmaps", "changes", "crops", "embeddings")
STAGES = (
    *("train", "evaluate", "rollout", "gradcam", "change", "crop", "embedder", "embed"),
    *("metrics", "compare", "baselines", "attributions", "sensitivity", "plots"),
)


@pytest.fixture(scope="module")
def built(pipeline: Checkout) -> Checkout:
    """The pipeline after its first `dvc repro`, with one worker."""
    pipeline.run("dvc", "repro", IRISLIB_WORKERS="1")
    pipeline.run("git", "add", "--all")
    pipeline.run("git", "commit", "--quiet", "--message", "built")
    return pipeline


@contextmanager
def restored(checkout: Checkout) -> Iterator[None]:
    """Puts parameters, reports and data back to what `built` committed."""
    try:
        yield
    finally:
        checkout.run("git", "checkout", "--quiet", "--force", "HEAD")
        checkout.run("dvc", "checkout", "--quiet", "--force")


def ran(output: str) -> list[str]:
    """Stages that a `dvc repro` ran, in order."""
    return re.findall(r"Running stage '(\w+)'", output)


def cached(output: str) -> list[str]:
    """Stages whose results a `dvc repro` took from the run-cache, in order."""
    return re.findall(r"Stage '(\w+)' is cached", output)


def outs(checkout: Checkout) -> dict[str, str]:
    """Hash of every artifact, from dvc.lock."""
    lock = YAML(typ="safe").load(checkout.root / "dvc.lock")
    return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}


def declared(checkout: Checkout) -> list[str]:
    """Every artifact that dvc.yaml declares."""
    stages = YAML(typ="safe").load(checkout.root / "dvc.yaml")["stages"].values()
    return [
        next(iter(out)) if isinstance(out, dict) else out
        for stage in stages
        for kind in ("outs", "metrics", "plots")
        for out in stage.get(kind, [])
    ]


def set_params(checkout: Checkout, **values: Any) -> None:
    """Edits params.yaml as a person would; keys like crop__threshold."""
    yaml, file = YAML(), checkout.root / "params.yaml"
    params = yaml.load(file)
    for key, value in values.items():
        *path, name = re.split("(?<!_)__", key)
        section = params
        for part in path:
            section = section[part]
        section[name] = value
    yaml.dump(params, file)


def test_one_command_builds_every_artifact(built: Checkout) -> None:
    metrics = read_metrics(built.root / "reports").content
    for key in ("present_occurrences", "all_codes_all_steps", "codes_always_empty"):
        assert 0 <= metrics["empty_share"][key] <= 1
        assert 0 <= metrics["empty_share"][f"{key}_before_relu"] <= metrics["empty_share"][key]
    assert metrics["agent"]["episodes"] == 4
    assert (built.root / "reports/index.html").stat().st_size > 1000
    figures = list((built.root / "reports/figures").glob("*.png"))
    assert len(figures) >= 8
    for store in STORES:
        path = built.root / f"data/{store}.zarr"
        assert sum(f.is_file() for f in path.rglob("*")) < 100
        assert xarray.open_zarr(path).sizes


def test_second_run_does_nothing(built: Checkout) -> None:
    output = built.run("dvc", "repro").stdout
    assert ran(output) == []
    assert "up to date" in output


def test_forced_run_with_other_workers_gives_the_same_bits(built: Checkout) -> None:
    before = outs(built)
    assert len(before) == len(declared(built))
    again = [stage for stage in STAGES if stage not in ("embedder", "plots")]  # these have no workers
    output = built.run("dvc", "repro", "--force", "--single-item", *again, IRISLIB_WORKERS="2").stdout
    assert ran(output) == again
    assert outs(built) == before


@pytest.mark.parametrize(("world", "name"), [("minigrid", "MiniGrid")])
def test_another_world_goes_through_all_stages(built: Checkout, world: str, name: str) -> None:
    with restored(built):
        for profile in (world, "smoke"):
            built.run("python", "-m", "stages.profile", profile, "--write")
        assert ran(built.run("dvc", "repro").stdout) == list(STAGES)
        assert open_store(built.root / "data/rollouts.zarr", ROLLOUTS).attrs["world"] == world
        page = (built.root / "reports/index.html").read_text()
        introduction = page.index("A world model learns to predict a game")
        assert f"({name})" in page[introduction : introduction + 200]  # after the level
        # The study and what the verdict says of it are of another world, and name it.
        own = page[page.index('id="codes"') : page.index('class="meaning"')]
        assert "crafter" not in own.lower()


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


def test_plots_parameters_remake_the_plots_alone(built: Checkout) -> None:
    with restored(built):
        set_params(built, plots__dpi=50)
        assert ran(built.run("dvc", "repro").stdout) == ["plots"]


def test_an_experiment_analyses_a_tokenizer_of_ones_own_and_leaves_the_agent_alone(built: Checkout) -> None:
    experiment = ("dvc", "exp", "run", "-S")
    follow = [stage for stage in STAGES if stage not in ("train", "evaluate", "embedder")]
    with restored(built):
        agents = outs(built)
        choice = "rollout.tokenizer=own_tokenizers:random"
        output = built.run(*experiment, choice, "--name", "own", PYTHONPATH="tests").stdout
        assert ran(output) == follow
        metrics = read_metrics(built.root / "reports").content
        assert metrics["codebook"]["size"] == 12
        assert metrics["world"]["nmi"] == pytest.approx(metrics["world"]["nmi_place"], abs=0.05)
        assert "# " in (built.root / "params.yaml").read_text()  # people's comments are kept
        own = outs(built)
        changed = {path for path in own if own[path] != agents[path]}
        assert {"data/rollouts.zarr", "data/crops.zarr", "reports/codes.csv", "reports/index.html"} <= changed
        assert not changed & {"data/agent", "reports/evaluation.json"}
        diff = json.loads(built.run("dvc", "metrics", "diff", "--json").stdout)
        assert set(diff) == {"reports/metrics.json"}
        shown = built.run("dvc", "exp", "show", "--csv", "--no-pager").stdout
        assert "own" in shown
        assert "empty_share.present_occurrences" in shown
        for again, before in (("rollout.tokenizer=null", agents), (choice, own)):  # both were run before
            output = built.run(*experiment, again, PYTHONPATH="tests").stdout
            assert ran(output) == []
            assert cached(output) == follow
            assert outs(built) == before
            assert built.run("dvc", "status").stdout.startswith("Data and pipelines are up to date")


def test_every_table_that_is_declared_as_a_plot_can_be_drawn(built: Checkout, tmp_path: Path) -> None:
    stages = YAML(typ="safe").load(built.root / "dvc.yaml")["stages"].values()
    plots = [item for stage in stages for plot in stage.get("plots", []) for item in plot.items()]
    tables = {path: props for path, props in plots if path.endswith(".csv")}
    for path, props in tables.items():
        columns = (built.root / path).read_text().splitlines()[0].split(",")
        assert {props["x"], props["y"]} <= set(columns), path
    shown = built.run("dvc", "plots", "show", "--out", str(tmp_path))
    assert shown.stderr == ""
    page = (tmp_path / "index.html").read_text()
    # Without rows nothing is drawn.
    drawn = [path for path in tables if len((built.root / path).read_text().splitlines()) > 1]
    assert len(drawn) > 4
    assert all(tables[path]["title"] in page for path in drawn)


def test_training_that_was_run_before_runs_nothing(built: Checkout) -> None:
    with restored(built):
        before = digest(built.root / "data/agent")
        for gamma, expected in ((0.9, "train"), (0.995, None), (0.9, None)):
            set_params(built, train__fit__actor_critic__gamma=gamma)
            output = built.run("dvc", "repro", "train").stdout
            assert ran(output) == ([expected] if expected else [])
            assert cached(output) == ([] if expected else ["train"])
            assert (digest(built.root / "data/agent") == before) is (gamma == 0.995)


def test_a_changed_error_message_runs_nothing(built: Checkout) -> None:
    with restored(built):
        for file in ("irislib/errors.py", "irislib/params.py", "irislib/runtime.py", "stages/common.py"):
            path = built.root / file
            path.write_text(path.read_text() + "\n# a remark\n")
        assert "up to date" in built.run("dvc", "status").stdout


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


def test_a_clone_with_other_line_ends_has_nothing_to_do(built: Checkout, tmp_path: Path) -> None:
    built.run("git", "clone", "--quiet", "-c", "core.autocrlf=true", str(built.root), str(tmp_path / "clone"))
    clone = Checkout(tmp_path / "clone")
    clone.run("dvc", "cache", "dir", "--local", str(built.root / ".dvc/cache"))
    clone.run("dvc", "checkout")
    assert "up to date" in clone.run("dvc", "status").stdout


def test_an_agent_to_start_from_is_noticed_and_reaches_experiments(built: Checkout) -> None:
    temporary = ("dvc", "exp", "run", "--temp", "-S", "train.fit.actor_critic.horizon=99")
    with restored(built):
        built.run("python", "-m", "stages.init", "data/agent")
        assert digest(built.root / "data/init/agent/model.safetensors") == digest(
            built.root / "data/agent/model.safetensors"
        )
        assert "data/init" in built.run("dvc", "status", "train").stdout
        untracked = built.run(*temporary, check=False)
        assert "git does not track data/init/agent.dvc" in untracked.stderr
        built.run("git", "add", "data/init/agent.dvc")
        tracked = built.run(*temporary, check=False)  # it sees the agent, whose blocks are too few
        assert "horizon: 99 imagined steps do not fit" in tracked.stderr
        built.run("git", "reset", "--quiet", "data/init/agent.dvc")
        shutil.rmtree(built.root / "data/init/agent")
        unpulled = built.run("python", "-m", "stages.train", check=False)
        assert "data/init/agent: missing; get it by `dvc pull data/init/agent.dvc`" in unpulled.stderr
        built.run("python", "-m", "stages.init", "--clear")
        assert "up to date" in built.run("dvc", "status").stdout


def test_a_clone_pulls_everything_and_has_nothing_to_do(built: Checkout, tmp_path: Path) -> None:
    shutil.rmtree(built.root / "data/remote", ignore_errors=True)
    built.run("dvc", "push")
    with restored(built):
        built.run("git", "add", "--all")
        built.run("git", "commit", "--quiet", "--message", "pushed")
        built.run("git", "clone", "--quiet", str(built.root), str(tmp_path / "clone"))
    clone = Checkout(tmp_path / "clone")
    clone.run("dvc", "pull")
    assert ran(clone.run("dvc", "repro").stdout) == []
    assert digest(clone.root / "data/agent") == digest(built.root / "data/agent")


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
