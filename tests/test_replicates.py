"""The analysis of one agent, repeated on other halves, crops and recordings."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from test_comparison import Fake
from test_worlds import SHAPES
from tiny_world import TinyConfig

from irislib import replicates, workdir
from irislib.agent import Agent
from irislib.artifacts import open_store
from irislib.interpret.attribution.change import ChangeConfig
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedding.embed import EmbedConfig
from irislib.interpret.embedding.weights import EMBEDDERS
from irislib.interpret.findings import FAMILIES, Findings, find
from irislib.interpret.metrics_config import MetricsConfig
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.replicates import PARTS, ReplicateConfig, replicate
from irislib.stores.rollouts import ROLLOUTS

EPISODES = 11
CONFIG = ReplicateConfig(
    env=TinyConfig(length=4),
    rollout=RolloutConfig(EPISODES, 4, 1.0),
    change=ChangeConfig(64),
    crop=CropConfig(0.5, 1, 8, 1),
    embed=EmbedConfig("random", 32, 16),
    metrics=MetricsConfig(0.05, 2, 1, 0.0, 3, 4),
)
RUNS = [
    ("halves", "even episodes"),
    ("halves", "odd episodes"),
    ("crops", "this run"),
    ("crops", "crops drawn anew"),
    ("recordings", "this run"),
    ("recordings", "other episodes"),
]


@dataclass
class Watch:
    """Looks at what each analysis is made of; the same evidence is not analysed twice, to save time."""

    seen: list[dict[str, np.ndarray]] = field(default_factory=list)
    known: dict[bytes, Findings] = field(default_factory=dict)

    def find(self, *evidence: Any) -> Findings:
        truth, visible, attribution, crops, *_ = evidence
        episodes = {"of plays": visible.episode, "of maps": attribution.maps.episode}
        self.seen.append(episodes | {"label": truth.label, "crops": crops.step, "of crops": crops.episode})
        key = pickle.dumps(evidence)
        if key not in self.known:
            self.known[key] = find(*evidence)
        return self.known[key]


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """One process, a quick embedder, and no digests of code, which take most of the time of tiny stages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRISLIB_WORKERS", "1")
        patch.setattr(workdir, "loaded_code", lambda: "")
        patch.setitem(EMBEDDERS, "random", Fake(blind=False).make)
        yield


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained agent and its recorded play."""
    root = tmp_path_factory.mktemp("play")
    torch.manual_seed(0)
    (root / "agent").mkdir()
    agent = Agent(SHAPES)
    torch.nn.init.normal_(agent.tokenizer.codebook)
    agent.save(root / "agent")
    roll_out(CONFIG.rollout, CONFIG.env, 0, root / "agent", root / "work", root / "rollouts")
    return root


@pytest.fixture(scope="module")
def runs(play: Path) -> tuple[list[pd.DataFrame], Watch]:
    """The table twice, and what was looked at."""
    watch = Watch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replicates, "find", watch.find)
        tables = [
            replicate(CONFIG, 0, play / "agent", play / "embedder", play / "rollouts", play / name)
            for name in ("first", "second")
        ]
    return tables, watch


def test_rows_and_columns(runs: tuple[list[pd.DataFrame], Watch]) -> None:
    table = runs[0][0]
    assert list(zip(table["comparison"], table["run"], strict=True)) == RUNS
    numbers = [f"{family}_{part}" for family in FAMILIES for part in PARTS]
    assert list(table.columns) == ["comparison", "run", "episodes", *numbers]
    assert list(table["episodes"]) == [6, 5, 11, 11, 11, 11]
    assert table[numbers].notna().all(axis=None)
    # Half of five or six episodes is not tested.
    assert (table.loc[:1, numbers] == 0).all(axis=None)


def test_this_run_stands_in_both_comparisons(runs: tuple[list[pd.DataFrame], Watch]) -> None:
    this = runs[0][0].query("run == 'this run'").drop(columns="comparison")
    assert len(this) == 2
    pd.testing.assert_series_equal(this.iloc[0], this.iloc[1], check_names=False)


def test_halves_share_no_episode_and_are_all_together(
    play: Path, runs: tuple[list[pd.DataFrame], Watch]
) -> None:
    recorded = open_store(play / "rollouts", ROLLOUTS)
    episode, label = recorded.read("episode"), recorded.read("label")
    even, odd, this, anew, again = runs[1].seen[:5]
    for half, rest in ((even, 0), (odd, 1)):
        mine = episode % 2 == rest
        np.testing.assert_array_equal(half["label"], label[mine])
        for episodes in ("of plays", "of maps"):
            np.testing.assert_array_equal(half[episodes], episode[mine] // 2)  # counted from 0
        assert set(half["of crops"]) <= set(half["of plays"])
    np.testing.assert_array_equal(this["label"], label)
    np.testing.assert_array_equal(anew["label"], label)
    assert not np.array_equal(this["crops"], anew["crops"])
    assert again["of plays"].max() == EPISODES - 1
    assert not np.array_equal(again["label"], label)


def test_the_table_repeats_itself(runs: tuple[list[pd.DataFrame], Watch]) -> None:
    pd.testing.assert_frame_equal(*runs[0])
    assert len(runs[1].seen) == 10
    assert len(runs[1].known) == 5  # each pair of analyses had the same evidence
