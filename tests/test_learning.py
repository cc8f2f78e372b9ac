"""Does an agent learn in imagination? MiniGrid, where a laptop can tell."""

from pathlib import Path

import pandas as pd
import pytest

from irislib.report.study.whole_agents import lead, returns
from irislib.study.agent_table import tabulate_agents
from irislib.study.agents import read_agent, run_agent
from irislib.study.overlays import read_overlay

REPO = Path(__file__).parent.parent
COMMITTED = REPO / "studies" / "agents"
SHORTEST = 0.97  # the mean return of the shortest ways


def rows_of(profile: str, results: Path) -> pd.DataFrame:
    table = tabulate_agents(results)
    return table[table["agent"] == profile]


@pytest.mark.parametrize("profile", ["minigrid", "minigrid-cells"])
def test_committed_agents_beat_random_actions_by_more_than_the_spread(profile: str) -> None:
    rows = rows_of(profile, COMMITTED)
    assert len(set(rows["seed"])) == len(rows) >= 3
    ahead = lead(rows)
    assert ahead.low > 0 and ahead.value > rows["return_mean"].max() - rows["return_mean"].min()
    assert 0.85 * SHORTEST < returns(rows).value <= SHORTEST


@pytest.mark.slow  # some 25 minutes each, on two cores
@pytest.mark.parametrize("profile", ["minigrid", "minigrid-cells"])
def test_an_agent_of_another_seed_learns_as_well(profile: str, tmp_path: Path) -> None:
    params = read_agent(
        REPO / "params.yaml",
        read_overlay(REPO / "profiles", profile, "profile"),
        REPO / "studies" / "params.yaml",
    )
    run_agent(profile, params, 3, tmp_path / "work", tmp_path / f"{profile}-3.json")
    rows = rows_of(profile, tmp_path)
    assert lead(rows).low > 0 and returns(rows).value > 0.85 * SHORTEST
