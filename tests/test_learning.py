"""Does an agent learn in imagination? MiniGrid, where a laptop can tell."""

from pathlib import Path

import pandas as pd
import pytest

from irislib.report.study.whole_agents import lead, returns
from irislib.study.agent_table import tabulate_agents
from irislib.study.agents import read_agent, run_agent
from irislib.study.overlays import read_overlay

REPO = Path(__file__).parent.parent
SEEDS = 3  # of the committed results

profiles = pytest.mark.parametrize("profile", ["minigrid", "minigrid-cells"])


def rows_of(profile: str, results: Path) -> pd.DataFrame:
    table = tabulate_agents(results)
    return table[table["agent"] == profile]


@profiles
def test_committed_agents_beat_random_actions_by_more_than_the_spread_of_their_seeds(profile: str) -> None:
    rows = rows_of(profile, REPO / "studies" / "agents")
    assert len(set(rows["seed"])) == len(rows) >= SEEDS
    ahead = lead(rows)
    spread = rows["return_mean"].max() - rows["return_mean"].min()
    assert ahead.low > 0 and ahead.value > spread
    assert returns(rows).value > 0.8  # the shortest ways have 0.97


@pytest.mark.slow  # some 25 minutes each, on two cores
@profiles
def test_an_agent_of_another_seed_learns_as_well(profile: str, tmp_path: Path) -> None:
    overlay = read_overlay(REPO / "profiles", profile, "profile")
    params = read_agent(REPO / "params.yaml", overlay, REPO / "studies" / "params.yaml")
    run_agent(profile, params, SEEDS, tmp_path / "work", tmp_path / f"{profile}-{SEEDS}.json")
    found, committed = rows_of(profile, tmp_path).iloc[0], rows_of(profile, REPO / "studies" / "agents")
    assert found["return_mean"] > committed["random_mean"].max() + 0.3
