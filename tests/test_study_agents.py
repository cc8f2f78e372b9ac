"""Whole agents of the study: trained, judged, tabulated, and what the page says of them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML
from tiny import ENV, TRAIN

from irislib.errors import ArtifactError, ParamError
from irislib.playing.evaluation import EvaluationConfig, evaluate
from irislib.report.page.agents import agents_table
from irislib.report.page.result_tables import Table
from irislib.report.tables import AGENT_COLUMNS
from irislib.study import agents
from irislib.study.agent_table import COLUMNS, tabulate_agents
from irislib.study.agents import AgentParams, read_agent, run_agent
from irislib.training.train import train
from stages.study import agent as command
from stages.study import table

PARAMS = AgentParams(TRAIN, ENV, EvaluationConfig(episodes=2, temperature=1.0))


def result(agent: str, mean: float, episodes: int = 16, tokens: int = 16, seed: int = 0) -> dict[str, Any]:
    """A made-up result, in which a token costs 2 nats and returns have a standard deviation of 1."""
    return {
        **{"agent": agent, "seed": seed, "tokens_per_frame": tokens, "codes": 512, "episodes": episodes},
        **{"return_mean": mean, "return_std": 1.0, "score": 1.5, "psnr": 24.0, "perplexity": 9.0},
        "world_model": {"observations": 2.0, "rewards": 0.1, "ends": 0.01},
    }


def page_of(*results: dict[str, Any], folder: Path) -> Table:
    for one in results:
        (folder / f"{one['agent']}-{one['seed']}.json").write_text(json.dumps(one))
    return agents_table(tabulate_agents(folder), "crafter")


def test_an_agent_is_the_one_that_train_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRISLIB_WORKERS", "1")
    work, out = tmp_path / "work", tmp_path / "out.json"
    with pytest.MonkeyPatch.context() as broken:  # judging fails once: the agent is not trained again
        broken.setattr(agents, "evaluate", _fails)
        with pytest.raises(ArtifactError, match="lost"):
            run_agent("tiny", PARAMS, 3, work, out)
    assert not out.exists()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(agents, "train", _fails)
        run_agent("tiny", PARAMS, 3, work, out)
    made = json.loads(out.read_text())

    folder, judged = tmp_path / "agent", tmp_path / "judged.json"
    train(TRAIN, ENV, 3, None, work=work, out=folder, snapshots=tmp_path / "snapshots")
    evaluate(PARAMS.evaluation, ENV, 3, agent=folder, work=work, out=judged)
    wanted = {"agent": "tiny", "seed": 3, "tokens_per_frame": 16, "codes": 32}
    assert made == wanted | json.loads(judged.read_text())
    assert not any(path.is_dir() for path in work.iterdir())


def _fails(*_: Any, **__: Any) -> None:
    raise ArtifactError("lost")


def test_a_profile_is_laid_over_the_parameters(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("evaluation: {episodes: 7}\nenv: {length: 5}\n")
    base = read_agent(Path("params.yaml"), {}, study)
    laid = read_agent(Path("params.yaml"), {"train": {"epochs": 3}}, study)
    assert laid == replace(base, train=replace(base.train, epochs=3))
    assert base.evaluation.episodes == 7
    assert base.env.length == 10_000  # that of the agent, not that of the study's play
    with pytest.raises(ParamError, match="typo"):
        read_agent(Path("params.yaml"), {"train": {"typo": 3}}, study)


def test_profiles_of_the_study_can_be_read() -> None:
    stage = YAML(typ="safe").load(Path("studies/dvc.yaml"))["stages"]["agent"]
    for name in stage["matrix"]["profile"]:
        assert name == command.DEFAULT or Path(f"profiles/{name}.yaml").is_file()
    failed = CliRunner().invoke(command.main, ["--profile", "cell", "--seed", "0", "--out", "x.json"])
    assert failed.exit_code == 1
    assert failed.stderr.startswith("error: cell: no such profile in profiles; known: atari, cells")


def test_the_table_has_a_row_for_each_result(tmp_path: Path) -> None:
    assert list(COLUMNS) == AGENT_COLUMNS
    (tmp_path / "a-0.json").write_text(json.dumps(result("a", 1.5)))
    (tmp_path / "b-0.json").write_text(json.dumps(result("b", 2.5, tokens=81)))
    made = tabulate_agents(tmp_path)
    assert list(made.columns) == AGENT_COLUMNS
    assert made["frame_nats"].tolist() == [32.0, 162.0]
    assert made["return_mean"].tolist() == [1.5, 2.5]
    options = ["--results", str(tmp_path / "none"), "--agents", str(tmp_path), "--out", str(tmp_path)]
    assert CliRunner().invoke(table.main, options).exit_code == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "agents.csv"), made, check_dtype=False)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"agent": "a"}'])
def test_what_is_no_result_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "a-0.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"a-0\.json: not a result of an agent"):
        tabulate_agents(tmp_path)


def test_a_difference_stands_beside_its_error(tmp_path: Path) -> None:
    # Both have a standard error of 1 / 4, so two of the difference are 2 * sqrt(2) / 4 = 0.71.
    shown = page_of(result("default", 1.5), result("cells", 1.9, tokens=81), folder=tmp_path)
    assert [row[0] for row in shown.rows] == ["cells", "default"]
    assert [row[5] for row in shown.rows] == ["162", "32"]
    assert shown.rows[1][6] == "1.5 ± 0.25"
    assert "the return of cells is 0.4 higher than that of default with seed 0" in shown.about
    assert "2 standard errors of the difference are 0.71" in shown.about
    assert "Random actions have a return of 1.38." in shown.about


def test_a_large_difference_needs_no_excuse_and_other_seeds_are_not_compared(tmp_path: Path) -> None:
    lower = result("cells", 0.5)
    shown = page_of(result("default", 1.5), lower, result("cells", 9, seed=1), folder=tmp_path)
    assert "the return of cells is 1 lower than that of default with seed 0." in shown.about
    assert "seed 1" not in shown.about
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    assert page_of(lower, folder=tmp_path).about.endswith("over the episodes. ")
