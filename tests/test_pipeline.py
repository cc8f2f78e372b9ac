"""The whole pipeline under DVC, at the smoke profile's size: what runs, and what does not run again."""

import json
import shutil
from pathlib import Path

import pytest
import xarray
from conftest import Checkout
from repro import STAGES, STORES, cached, declared, outs, ran, restored, set_params
from ruamel.yaml import YAML

from irislib.artifacts import digest
from irislib.report.tables import read_metrics


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
