"""Whole agents of the study: trained, judged, tabulated, and what the page says of them."""

import json
from dataclasses import replace
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML
from tiny import ENV, TRAIN

from irislib.errors import ArtifactError, ParamError
from irislib.playing.evaluation import EvaluationConfig, evaluate
from irislib.report.figures.study import study_agents
from irislib.report.page.agents import agents_table
from irislib.report.page.result_tables import Table
from irislib.report.study.whole_agents import WholeAgents
from irislib.report.tables import AGENT_COLUMNS, CURVE_COLUMNS
from irislib.report.wording import MINUS
from irislib.study import agent_table, agents
from irislib.study.agent_table import tabulate_agents, tabulate_curves
from irislib.study.agents import AgentParams, read_agent, run_agent
from irislib.study.overlays import read_overlay
from irislib.training.train import train
from stages.study import agent as command
from stages.study import table

STUDIES = Path(__file__).parent.parent / "studies"
PARAMS = AgentParams(TRAIN, ENV, EvaluationConfig(episodes=2, temperature=1.0))


def result(
    agent: str, mean: float, episodes: int = 16, tokens: int = 16, seed: int = 0, world: str = "crafter"
) -> dict[str, Any]:
    """A made-up result, in which a token costs 2 nats and returns have a standard deviation of 1."""
    return {
        **{"agent": agent, "world": world, "seed": seed},
        **{"tokens_per_frame": tokens, "codes": 512, "codes_used": 200},
        **{"episodes": episodes, "return_mean": mean, "return_std": 1.0, "score": 1.5, "psnr": 24.0},
        "random": {"return_mean": 1.4, "return_std": 1.0, "length_mean": 20.0},
        "curve": {"step": [400, 800], "return": [mean / 2, mean]},
        "world_model": {"observations": 2.0, "rewards": 0.1, "ends": 0.01},
    }


def page_of(*results: dict[str, Any], folder: Path) -> Table:
    for one in results:
        (folder / f"{one['agent']}-{one['seed']}.json").write_text(json.dumps(one))
    return agents_table(WholeAgents(tabulate_agents(folder), tabulate_curves(folder)))


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
    wanted = {"agent": "tiny", "world": "crafter", "seed": 3, "tokens_per_frame": 16, "codes": 32}
    curve = pd.read_csv(folder / "curves/collect.csv").dropna(subset="return")
    wanted |= json.loads(judged.read_text())
    wanted |= {"curve": {"step": curve["step"].tolist(), "return": curve["return"].tolist()}}
    assert made == wanted
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
    stages = YAML(typ="safe").load(Path("studies/dvc.yaml"))["stages"]
    for stage in ("agent", "world_agent"):
        for name in stages[stage]["matrix"]["profile"]:
            assert Path(f"profiles/{name}.yaml").is_file()
    failed = CliRunner().invoke(command.main, ["--profile", "cell", "--seed", "0", "--out", "x.json"])
    assert failed.exit_code == 1
    assert failed.stderr.startswith("error: cell: no such profile in profiles; known: atari, cells")


def test_the_agents_of_minigrid_differ_in_their_tokens_alone() -> None:
    """The profiles write everything out, and are compared for what their tokens cost and take to learn."""
    study = Path("studies/params.yaml")
    agent, tiles = (
        read_agent(Path("params.yaml"), read_overlay(Path("profiles"), name, "profile"), study)
        for name in ("minigrid", "minigrid-cells")
    )
    own = {name: getattr(agent.train, name) for name in ("tokenizer", "world_model")}
    own["fit"] = replace(tiles.train.fit, tokenizer=agent.train.fit.tokenizer)
    assert tiles != agent
    assert replace(tiles, train=replace(tiles.train, **own)) == agent


def test_worlds_are_written_as_they_write_themselves(tmp_path: Path) -> None:
    shown = page_of(result("minigrid", 2.4, world="minigrid"), folder=tmp_path)
    assert shown.rows[0][0] == "MiniGrid, minigrid" and "In MiniGrid the agent" in shown.about


def test_the_table_has_a_row_for_each_result(tmp_path: Path) -> None:
    assert list(agent_table.COLUMNS) == AGENT_COLUMNS
    assert list(agent_table.CURVE_COLUMNS) == CURVE_COLUMNS
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


def test_with_one_seed_the_range_is_that_of_its_episodes(tmp_path: Path) -> None:
    # Both have a standard error of 1 / 4; that of a difference is sqrt(2) / 4, and t of 15 degrees is 2.13.
    shown = page_of(result("default", 1.5), result("cells", 1.9, tokens=81), folder=tmp_path)
    assert [row[0] for row in shown.rows] == ["Crafter, default", "Crafter, cells"]
    assert [row[5] for row in shown.rows] == ["32", "162"]
    assert shown.rows[0][6] == "1.5 (0.967 to 2.03)"
    assert "the agent cells (1 seed) is not shown to play better or worse than random actions" in shown.about
    assert "and is not shown to play better or worse than the agent default" in shown.about
    assert f"(difference of the returns 0.4, {MINUS}0.35 to 1.2)" in shown.about


def test_more_seeds_say_more_and_only_equal_seeds_are_compared(tmp_path: Path) -> None:
    planted = {"toy": (2.0, 2.1, 2.2), "toy-cells": (1.8, 1.91, 1.99, 9.0)}
    results = [
        result(agent, mean, seed=seed, world="toy")
        for agent, means in planted.items()
        for seed, mean in enumerate(means)
    ]
    shown = page_of(*results, result("default", 0.2), folder=tmp_path)
    assert [row[:2] for row in shown.rows] == [
        ["Crafter, default", "1"],
        ["Toy, toy", "3"],
        ["Toy, toy-cells", "4"],
    ]
    assert shown.rows[1][6:8] == ["2.1 (1.85 to 2.35)", "1.4"]
    assert "In Crafter the agent default (1 seed) plays worse than random actions" in shown.about
    assert "In Toy the agent toy (3 seeds) plays better than random actions" in shown.about
    assert f"plays worse than the agent toy (difference of the returns {MINUS}0.2, " in shown.about


def test_a_curve_has_the_return_of_each_epoch(tmp_path: Path) -> None:
    (tmp_path / "a-0.json").write_text(json.dumps(result("a", 2.0)))
    curves = tabulate_curves(tmp_path)
    assert curves[["step", "return_mean"]].values.tolist() == [[400, 1.0], [800, 2.0]]


def test_the_figure_says_where_the_agents_learned(tmp_path: Path) -> None:
    for one in (
        result("default", 1.5),
        *(result("toy", 2 + seed / 9, seed=seed, world="toy") for seed in range(3)),
    ):
        (tmp_path / f"{one['agent']}-{one['seed']}.json").write_text(json.dumps(one))
    found = WholeAgents(tabulate_agents(tmp_path), tabulate_curves(tmp_path))
    drawn = study_agents.draw(found)
    assert drawn.title == "IRIS plays better than random actions in Toy, and is not shown to in Crafter"
    crafter, toy = drawn.figure.axes
    assert len(crafter.lines) == 1 + 1 and len(toy.lines) == 3 + 1  # random actions too
    assert np.asarray(toy.lines[0].get_xydata()).tolist() == [[400, 1.0], [800, 2.0]]
    assert study_agents.draw(WholeAgents(found.table[:0], found.curves[:0])).empty


def test_the_figure_names_an_agent_whose_world_has_no_iris(tmp_path: Path) -> None:
    for seed in range(3):
        one = result("toy-cells", 2 + seed / 9, seed=seed, world="toy")
        (tmp_path / f"toy-cells-{seed}.json").write_text(json.dumps(one))
    alone = WholeAgents(tabulate_agents(tmp_path), tabulate_curves(tmp_path))
    assert study_agents.draw(alone).title == "toy-cells plays better than random actions in Toy"
    (tmp_path / "default-0.json").write_text(json.dumps(result("default", 1.5)))
    both = WholeAgents(tabulate_agents(tmp_path), tabulate_curves(tmp_path))
    title = study_agents.draw(both).title
    assert "IRIS is not shown to play better than random actions in Crafter" in title and "; " in title


def test_committed_agents_are_those_of_the_parameters_as_they_are() -> None:
    """Or `make study` in a fresh clone would train them anew, which takes hours."""
    stages = YAML(typ="safe").load(STUDIES / "dvc.lock")["stages"]
    trained = {name: stage["params"] for name, stage in stages.items() if "agent@" in name}
    assert len(trained) >= 8
    for name, files in trained.items():
        for path, sections in files.items():
            now = YAML(typ="safe").load(STUDIES / path)
            for dotted, value in sections.items():
                assert value == reduce(getitem, dotted.split("."), now), (name, path, dotted)
