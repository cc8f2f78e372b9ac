"""The study under DVC, at a tiny size: what runs, and what does not run again."""

import json
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from conftest import REPO, Checkout
from repro import ran
from ruamel.yaml import YAML

from irislib.params import read_yaml
from stages.study import __main__ as cell
from stages.study import cells, progress, table

CELLS = "studies/dvc.yaml"
OVERLAY = """
env: {length: 12}
play: {player: random, training_episodes: 2, held_out_episodes: 4, lanes: 2}
study: {model: {kind: trained, steps: 2, batch_size: 2, learning_rate: 0.001}}
"""
ARM = "asks: Does it run?\nvaries: {varies}\n{model}"
K_MEANS = "study: {model: {kind: k_means, patch: 16}}\ntrain: {tokenizer: {quantizer: {vocab_size: 8}}}\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Two arms with one seed, run once."""
    checkout = Checkout(tmp_path_factory.mktemp("study"))
    root = checkout.root
    for folder in ("irislib", "stages"):
        shutil.copytree(REPO / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("studies/arms", "studies/play", "data/init"):
        (root / folder).mkdir(parents=True)
    shutil.copy(REPO / "params.yaml", root)
    shutil.copy(REPO / "studies/play/.gitignore", root / "studies/play")
    (root / "studies/params.yaml").write_text(OVERLAY)
    write_arm(checkout, "iris", "nothing", "")
    write_arm(checkout, "patches", "no_learning", K_MEANS)
    pipeline = read_yaml(REPO / CELLS)
    parts = ("play", "tokenizer", "cell")
    stages = {name: pipeline["stages"][name] for part in parts for name in (f"{part}_code", part)}
    for part in parts:
        stages[part]["matrix"]["seed"] = [0]
    write_pipeline(checkout, ["iris", "patches"], stages)
    checkout.run("git", "init", "--quiet")
    checkout.run("dvc", "init", "--quiet")
    checkout.run("dvc", "init", "--quiet", "--subdir", folder="studies")
    ran = run(checkout)
    assert sorted(ran[:2]) == ["play@0", "tokenizer@iris-0"]
    assert sorted(ran[2:]) == ["cell@iris-0", "cell@patches-0", "tokenizer@patches-0"]
    return checkout


@pytest.fixture
def at_root(study: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study.root)


def write_arm(checkout: Checkout, name: str, varies: str, model: str) -> None:
    (checkout.root / f"studies/arms/{name}.yaml").write_text(ARM.format(varies=varies, model=model))


def write_pipeline(checkout: Checkout, arms: list[str], stages: dict[str, Any]) -> None:
    with (checkout.root / CELLS).open("w") as file:
        YAML().dump({"vars": [{"arms": arms}], "stages": stages}, file)


def run(checkout: Checkout) -> list[str]:
    """The stages that `make study` ran."""
    makefile = (REPO / "Makefile").read_text()
    assert "dvc repro --glob '*_code'" in makefile
    assert "dvc repro $$cells" in makefile
    checkout.run("dvc", "repro", "--glob", "*_code", folder="studies")
    cells = checkout.run("python", "-m", "stages.study.cells").stdout.split()
    if not cells:
        return []
    output = checkout.run("dvc", "repro", *cells, folder="studies", IRISLIB_WORKERS="1").stdout
    return ran(output)


def result(checkout: Checkout, name: str) -> Path:
    return checkout.root / f"studies/results/{name}.json"


def invoke(command: click.Command, *options: str) -> Result:
    """A command of the study, in this process and at the root of the study (`at_root`)."""
    return CliRunner().invoke(command, options)


def how_far() -> str:
    return invoke(progress.main).stdout


@pytest.mark.usefixtures("at_root")
def test_results_are_small_and_the_table_has_them_all(study: Checkout) -> None:
    found = {name: json.loads(result(study, name).read_text()) for name in ("iris-0", "patches-0")}
    assert found["iris-0"]["steps"] == 2
    assert found["patches-0"]["codes"] == 8
    assert all(result(study, name).stat().st_size < 20_000 for name in found)
    assert invoke(table.main).exit_code == 0
    rows = (study.root / "reports/study.csv").read_text()
    assert "\ncrafter,iris,nothing,iris,2,recall" in rows
    assert "\ncrafter,patches,no_learning,iris,0,recall" in rows


@pytest.mark.usefixtures("at_root")
def test_a_second_run_does_nothing_and_progress_says_so(study: Checkout) -> None:
    assert run(study) == []
    assert how_far() == "2 of 2 cells are done\n"


@pytest.mark.usefixtures("at_root")
def test_an_arm_added_runs_only_that_arm(study: Checkout) -> None:
    stages = read_yaml(study.root / CELLS)["stages"]
    write_pipeline(study, ["iris", "patches", "more"], stages)
    write_arm(study, "more", "no_learning", K_MEANS.replace("16", "32"))
    assert how_far().startswith("2 of 3 cells are done; the others take about 1 min")
    for seeds, wanted in (((), "cell@more-0\n"), (("--seed", "1"), "\n")):
        assert invoke(cells.main, *seeds).stdout == wanted
    before = result(study, "iris-0").read_bytes()
    assert run(study) == ["tokenizer@more-0", "cell@more-0"]
    assert result(study, "iris-0").read_bytes() == before
    assert how_far() == "3 of 3 cells are done\n"


def test_another_measure_trains_nothing_again_and_another_comment_measures_nothing(study: Checkout) -> None:
    code = study.root / "irislib/interpret/tokens/summary.py"
    code.write_text(f"{code.read_text()}# another comment\n")
    assert run(study) == []
    code.write_text(code.read_text().replace("OCCURRENCES = 256", "OCCURRENCES = 255"))
    assert sorted(run(study)) == ["cell@iris-0", "cell@more-0", "cell@patches-0"]


def test_what_was_interrupted_goes_on_and_gives_the_same_bytes(study: Checkout) -> None:
    """An arm that cannot run takes nothing else with it, and mended it comes from the run-cache."""
    before = result(study, "patches-0").read_bytes()
    arm = study.root / "studies/arms/patches.yaml"
    good = arm.read_text()
    arm.write_text(f"{good}typo: 1\n")
    failed = study.run("dvc", "repro", folder="studies", check=False, IRISLIB_WORKERS="1")
    assert failed.returncode != 0
    assert "patches.yaml: typo: an arm sets train.tokenizer and study alone" in failed.stderr
    assert json.loads(result(study, "iris-0").read_text())["arm"] == "iris"
    arm.write_text(good)
    assert run(study) == []  # DVC has the result of this arm in its run-cache
    assert result(study, "patches-0").read_bytes() == before


@pytest.mark.usefixtures("at_root")
def test_one_command_runs_a_cell_of_any_seed_and_records_its_play(study: Checkout, tmp_path: Path) -> None:
    out = tmp_path / "patches-7.json"
    options = ("--arm", "patches", "--seed", "7", "--out", str(out))
    study.run("python", "-m", "stages.study", *options, IRISLIB_WORKERS="2")
    first = out.read_bytes()
    assert json.loads(first)["seed"] == 7
    assert (study.root / "studies/play/7.zarr").is_dir()
    assert invoke(cell.main, *options).exit_code == 0
    assert out.read_bytes() == first
    (tmp_path / "other.yaml").write_text(OVERLAY.replace("12", "13"))
    failed = invoke(cell.main, *options, "--study", str(tmp_path / "other.yaml"))
    assert failed.exit_code == 1
    assert failed.stderr.splitlines()[-1] == (
        "error: studies/play/7.zarr: recorded with other parameters or another seed; delete it"
    )


def test_without_play_and_tokenizers_nothing_runs_and_an_arm_added_makes_its_own(study: Checkout) -> None:
    """As in a fresh clone, which has the results alone."""
    for folder in ("tokenizers", "play/0.zarr", ".dvc/cache"):
        shutil.rmtree(study.root / "studies" / folder)
    assert run(study) == []
    stages = read_yaml(study.root / CELLS)["stages"]
    write_pipeline(study, ["iris", "patches", "more", "last"], stages)
    write_arm(study, "last", "no_learning", K_MEANS.replace("8", "7"))
    assert run(study) == ["play@0", "tokenizer@last-0", "cell@last-0"]
    assert result(study, "last-0").is_file()
