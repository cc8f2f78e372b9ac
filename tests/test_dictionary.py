"""docs/metrics.md describes every number and column of the reports, and none that does not exist."""

import re
from pathlib import Path

import pytest
from test_baselines_stage import COLUMNS as BASELINE_COLUMNS
from test_metrics import COLUMNS, KEYS

from irislib.interpret.embedder_comparison import SUMMARY
from irislib.interpret.findings import FAMILIES
from irislib.replicates import PARTS
from irislib.study.agent_table import COLUMNS as AGENT_COLUMNS
from irislib.study.agent_table import CURVE_COLUMNS
from irislib.study.table import COLUMNS as STUDY_COLUMNS

TEXT = (Path(__file__).parent.parent / "docs/metrics.md").read_text()
OVERLAP = ("label_overlap", "label_overlap_chance")


def described(heading: str) -> list[str]:
    """Names in the first column of the table under a heading."""
    (section,) = re.findall(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE)


def test_every_number_is_described() -> None:
    keys = [f"{section}.{key}" for section, names in KEYS.items() for key in names.split()]
    assert sorted(described("metrics.json and details.json")) == sorted(keys)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_of_the_metrics_stage_is_described(name: str) -> None:
    assert described(f"{name}.csv") == COLUMNS[name].split()


def test_every_column_of_the_embedders_is_described() -> None:
    assert described("embedders.csv") == ["weights", "size", "dimension", *SUMMARY, *OVERLAP]


def test_every_column_of_the_baselines_is_described() -> None:
    assert described("baselines.csv") == BASELINE_COLUMNS


def test_every_column_of_the_replicates_is_described() -> None:
    numbers = [f"{family}_{part}" for family in FAMILIES for part in PARTS]
    assert described("replicates.csv") == ["comparison", "run", "episodes", *numbers]


def test_every_column_of_the_study_is_described() -> None:
    assert described("study.csv") == list(STUDY_COLUMNS)


def test_every_column_of_the_worlds_is_described() -> None:
    assert described("worlds.csv") == ["world"]
    assert described("study.csv")[0] == "world"  # the others are the same, and stand there


def test_every_column_of_the_agents_is_described() -> None:
    assert described("agents.csv") == list(AGENT_COLUMNS)
    assert described("agent_curves.csv") == list(CURVE_COLUMNS)
