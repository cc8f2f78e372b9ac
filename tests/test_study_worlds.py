"""The study in several worlds, side by side."""

import math
from pathlib import Path

import pandas as pd
import pytest
from madeup_study import ARMS, WORLD_ARMS, write_results

from irislib.errors import ArtifactError
from irislib.report.findings import Measured
from irislib.report.page.result_tables import Table
from irislib.report.page.worlds import worlds_table
from irislib.report.study.results import STUDY_COLUMNS, StudyResults
from irislib.report.study.worlds import Effect, by_world, effects
from irislib.study.table import tabulate, tabulate_worlds

Interval = tuple[float, float, float]  # value, low, high

MAIN_ARMS = {
    "iris": ARMS["iris"],
    "patch-7": ARMS["cells"],
    "patch-8": ("grid", 0.1, 20.0, 64, 512),
    "no-attention": ("receptive_field", 0.31, 25.0, 16, 512),
    "iris-labels": ARMS["taught"],
    "iris-swap": ("alignment", 0.1, 20.0, 16, 512),
    "untrained": ("no_learning", 0.05, 20.0, 16, 512),
    "k-means-7": ARMS["k-means"],
}


def across(study: StudyResults, worlds: pd.DataFrame) -> Table:
    found = by_world(study, worlds)
    return worlds_table(found, effects(found))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Table:
    folder = tmp_path_factory.mktemp("worlds")
    study = StudyResults(tabulate(write_results(folder / "results", MAIN_ARMS), "crafter"))
    for world in ("boxing", "pong"):
        write_results(folder / f"worlds/{world}", WORLD_ARMS)
        write_results(folder / f"worlds/{world}", {"k-means-8": ARMS["k-means"]})
    write_results(folder / "worlds/boxing", {one: MAIN_ARMS[one] for one in ("iris-swap", "untrained")})
    (folder / "worlds/pong.yaml").write_text("env: {}\n")  # not a folder of results
    worlds = tabulate_worlds(folder / "worlds")
    assert list(worlds.columns) == STUDY_COLUMNS
    return across(study, worlds)


def blocks(table: Table) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The rows by their first cell: those of recall, and those of NMI beyond place."""
    half = len(table.rows) // 2
    recall, nmi = ({row[0]: row[1:] for row in part} for part in (table.rows[:half], table.rows[half:]))
    assert "IRIS's tokenizer: the mean recall over labels" in recall
    assert "IRIS's tokenizer: the NMI beyond place" in nmi
    assert len(recall) == len(nmi) == half
    return recall, nmi


def test_worlds_stand_side_by_side(made: Table) -> None:
    assert made.header == ["what changes", "Crafter", "Boxing", "Pong", "where this is shown"]
    assert all(len(row) == len(made.header) for row in made.rows)
    name = "small patches, each seen alone"
    recall, patches = (rows[name] for rows in blocks(made))
    assert recall[0].startswith("+0.6") and recall[-1] == "rises in all"
    # Of Crafter's the arm patch-7, planted as 0.6 of recall above iris, that is 0.48 of the NMI; not patch-8.
    assert patches[0].startswith("+0.48") or patches[0].startswith("+0.47")
    assert patches[1].startswith("+0.24") or patches[1].startswith("+0.23")
    assert patches[-1] == "rises in all"


def test_only_what_is_sure_in_every_world_holds(made: Table) -> None:
    verdicts = {name: row[-1] for name, row in blocks(made)[1].items()}
    assert verdicts["taught by labels"] == "rises in Crafter, falls in Boxing and Pong"
    assert verdicts["attention off: a token sees less"] == "rises in Crafter"
    assert "the same patches, shifted" not in verdicts  # no world has it
    assert verdicts["taught to ignore what is around a patch"] == "not measured in all"
    untrained = "not trained: an encoder of random weights"
    assert verdicts[untrained] == "not measured in all"
    crafter, boxing, pong, _ = blocks(made)[0][untrained]
    assert "0.25" in crafter and "0.25" in boxing and pong == "—"
    rises = "(the mean recall over labels rises and the NMI beyond place rises)"
    k_means = "the same patches without a network: k-means of their pixels"
    held = f"small patches, each seen alone {rises} and {k_means} {rises}"
    assert made.about.endswith(f"What held in all 3 worlds: {held}.")


@pytest.mark.parametrize(
    ("crafter", "pong", "verdict", "direction"),
    [
        ((0.2, 0.1, 0.3), (0.1, 0.05, 0.2), "rises in all", "rises"),
        ((-0.2, -0.3, -0.1), (-0.1, -0.2, -0.05), "falls in all", "falls"),
        ((0.2, -0.1, 0.5), (-0.2, -0.3, -0.1), "falls in Pong", ""),
        ((0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), "rises in Crafter, falls in Pong", ""),
        ((0.2, -0.1, 0.5), (-0.2, -0.5, 0.1), "nowhere", ""),
        ((0.2, 0.1, 0.3), (0.2, math.nan, math.nan), "too few seeds", ""),
        ((0.2, 0.1, 0.3), None, "not measured in all", ""),
    ],
)
def test_a_change_is_shown_where_its_interval_leaves_out_zero(
    crafter: Interval, pong: Interval | None, verdict: str, direction: str
) -> None:
    known = {"Crafter": Measured(*crafter)} | ({"Pong": Measured(*pong)} if pong else {})
    effect = Effect("a change", "recall", known, worlds=2)
    assert (effect.verdict, effect.direction) == (verdict, direction)


def test_where_training_does_not_help_is_said(tmp_path: Path) -> None:
    study = StudyResults(tabulate(write_results(tmp_path / "results", MAIN_ARMS), "crafter"))
    for world, recall in (("boxing", 0.305), ("minigrid", 0.3), ("pong", 0.25)):  # 0.3 when trained
        untrained = ("no_learning", recall, 20.0, 16, 512)
        write_results(tmp_path / f"worlds/{world}", {"iris": MAIN_ARMS["iris"], "untrained": untrained})
    for path in (tmp_path / "worlds/minigrid").glob("untrained-[12].json"):
        path.unlink()  # a single seed settles nothing
    about = across(study, tabulate_worlds(tmp_path / "worlds")).about
    told = "not shown to raise the mean recall over labels in Boxing, nor the NMI beyond place in Boxing. "
    assert told in about


def test_a_single_seed_settles_nothing(tmp_path: Path) -> None:
    study = StudyResults(tabulate(write_results(tmp_path / "results", MAIN_ARMS), "crafter"))
    write_results(tmp_path / "worlds/pong", WORLD_ARMS)
    for path in (tmp_path / "worlds/pong").glob("*-[12].json"):
        path.unlink()
    table = across(study, tabulate_worlds(tmp_path / "worlds"))
    recall, _ = blocks(table)
    assert recall["small patches, each seen alone"][-1] == "too few seeds"
    assert "What holds in all 2 worlds cannot be told yet" in table.about


def test_one_world_alone_is_no_comparison(tmp_path: Path) -> None:
    study = StudyResults(tabulate(write_results(tmp_path / "results", MAIN_ARMS), "crafter"))
    assert across(study, pd.DataFrame(columns=STUDY_COLUMNS)).rows == []


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "pong").mkdir()
    (tmp_path / "pong/iris-0.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"pong/iris-0\.json: not a result"):
        tabulate_worlds(tmp_path)
