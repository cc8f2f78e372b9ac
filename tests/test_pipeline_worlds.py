"""Other worlds through all stages at the smoke profile's size, as a user would run them."""

import json
from pathlib import Path

import pytest
import torch
from conftest import copy_tree
from repro import STAGES, ran

from irislib.agent import Agent, export_official_iris
from irislib.agent.config import ActorCriticConfig, AgentConfig, WorldModelConfig
from irislib.artifacts import open_store
from irislib.report.tables import read_metrics
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig

# The layout of the released agents, smaller: they have 64 channels too, and frames of 64 pixels.
SIZES = AgentConfig(
    frame=(32, 32),
    num_actions=6,
    tokenizer=IrisConfig(VectorQuantizerConfig("vq", 24, 6, 0), 10, 64, (1, 1, 1, 1), 1, ()),
    world_model=WorldModelConfig(max_blocks=3, num_layers=1, num_heads=4, embed_dim=16, dropout=0.1),
    actor_critic=ActorCriticConfig(lstm_dim=8),
)


def test_minigrid_goes_through_all_stages(tmp_path: Path) -> None:
    checkout = copy_tree(tmp_path, "minigrid", "smoke")
    assert ran(checkout.run("dvc", "repro").stdout) == list(STAGES)
    assert open_store(checkout.root / "data/rollouts.zarr", ROLLOUTS).attrs["world"] == "minigrid"
    page = (checkout.root / "reports/index.html").read_text()
    introduction = page.index("A world model learns to predict a game")
    assert "(MiniGrid)" in page[introduction : introduction + 200]  # after the level
    # The study and what the verdict says of it are of another world, and name it.
    own = page[page.index('id="codes"') : page.index('class="meaning"')]
    assert "crafter" not in own.lower()


def test_a_checkpoint_of_the_released_iris_becomes_a_page(tmp_path: Path) -> None:
    pytest.importorskip("ale_py")
    torch.manual_seed(0)
    agent = Agent(SIZES)
    torch.nn.init.normal_(agent.tokenizer.codebook, std=0.3)
    export_official_iris(agent, tmp_path / "Pong.pt")
    checkout = copy_tree(tmp_path / "clone", "smoke", "atari")
    small = {"env.frame_size": 32, "env.length": 12, "rollout.episodes": 5}
    flags = [word for key, value in small.items() for word in ("-S", f"{key}={value}")]
    text = (checkout.root / "params.yaml").read_text()
    (checkout.root / "params.yaml").write_text(text.replace("frame_size: 64", "frame_size: 32"))
    placed = checkout.run("python", "-m", "stages.init", str(tmp_path / "Pong.pt"))
    assert "git add data/init/agent.dvc" in placed.stdout
    checkout.run("git", "add", "data/init/agent.dvc")
    output = checkout.run("dvc", "exp", "run", *flags).stdout
    assert ran(output)[0] == "train"

    play = open_store(checkout.root / "data/rollouts.zarr", ROLLOUTS)
    assert (play.attrs["world"], play.attrs["player"], play.attrs["codebook_size"]) == ("atari", "agent", 24)
    assert play.read("token").shape == (5 * 12, 4, 4)
    assert play.attrs["label_names"][0] == "player"
    trained = torch.load(tmp_path / "Pong.pt", weights_only=True)["actor_critic.actor_linear.weight"]
    assert len(play.attrs["action_names"]) == len(trained)
    metrics = read_metrics(checkout.root / "reports").content
    assert metrics["codebook"]["size"] == 24
    judged = json.loads((checkout.root / "reports/evaluation.json").read_text())
    assert (judged["score"], judged["length_mean"]) == (None, 12)
    assert (checkout.root / "reports/index.html").stat().st_size > 1000
