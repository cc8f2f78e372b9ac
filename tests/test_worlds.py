"""Worlds of any kind: who plays in them, and a tiny one that goes through the stages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from recordings import describe, record_play
from tiny_world import DESCRIPTION, FRAME, TinyConfig

from irislib.agent import Agent
from irislib.agent.config import ActorCriticConfig, AgentConfig, WorldModelConfig
from irislib.artifacts import digest, open_store, writing
from irislib.errors import ArtifactError, ParamError
from irislib.interpret.attribution.change import ChangeConfig, compute_changes
from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.interpret.crops.attribution_kinds import read_attribution
from irislib.interpret.crops.cropping import crop_regions
from irislib.interpret.crops.regions import CropConfig, crop_config
from irislib.interpret.embedding.embed import EmbedConfig, embed_crops
from irislib.interpret.embedding.label_retrieval import crop_shares
from irislib.interpret.embedding.recognition import EmbedderConfig, train_embedder
from irislib.interpret.labels.truth import read_description, read_truth
from irislib.interpret.metrics import compute_metrics
from irislib.interpret.metrics_config import MetricsConfig
from irislib.params import parse_section
from irislib.playing.play import play_episodes
from irislib.playing.player import AgentPlayer
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.worlds.crafter.game import CrafterConfig
from irislib.worlds.make import AnyWorld
from irislib.worlds.player import Player
from irislib.worlds.score import score
from irislib.worlds.vector import make_vector_env
from irislib.worlds.world import World

TOKENIZER = IrisConfig(VectorQuantizerConfig("vq", 6, 4, 0), 4, 4, (1, 1, 1, 1, 2), 1, ())
SHAPES = AgentConfig(FRAME, 3, TOKENIZER, WorldModelConfig(2, 1, 1, 4, 0.0), ActorCriticConfig(4))
ROLLOUT = RolloutConfig(episodes=5, lanes=2, temperature=1.0)


@pytest.fixture(scope="module")
def agent() -> Agent:
    torch.manual_seed(0)
    agent = Agent(SHAPES, steps=11)
    torch.nn.init.normal_(agent.tokenizer.codebook)
    return agent.eval()


@pytest.fixture(scope="module")
def recorded(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the agent and its recorded play."""
    root = tmp_path_factory.mktemp("tiny")
    (root / "agent").mkdir()
    agent.save(root / "agent")
    roll_out(ROLLOUT, TinyConfig(), 0, root / "agent", root / "work", root / "rollouts")
    return root


@dataclass
class Cheat:
    """A scripted player: looks inside the worlds, and sometimes acts at random."""

    worlds: Sequence[World] = ()
    rngs: Sequence[np.random.Generator] = ()

    def begin(self, worlds: Sequence[World], rngs: Sequence[np.random.Generator]) -> None:
        self.worlds, self.rngs = worlds, rngs

    def act(self, frames: np.ndarray, lanes: Sequence[int]) -> np.ndarray:
        assert frames.shape == (len(lanes), *FRAME, 3)
        actions = [self.worlds[lane]._label[3] for lane in lanes]  # type: ignore[attr-defined]
        noise = [self.rngs[lane].integers(3) for lane in lanes]
        return (np.array(actions) + noise) % 3


def make_player(name: str, agent: Agent) -> Player:
    return Cheat() if name == "script" else AgentPlayer(agent, 1.0)


@pytest.mark.parametrize("name", ["script", "agent"])
def test_an_episode_does_not_depend_on_those_played_beside_it(name: str, agent: Agent) -> None:
    together = play_episodes(make_player(name, agent), range(6), TinyConfig(), 3, "test")
    assert len({len(episode["obs"]) for episode in together}) > 1  # lanes end at different times
    for number, episode in enumerate(together):
        (alone,) = play_episodes(make_player(name, agent), range(number, number + 1), TinyConfig(), 3, "test")
        for array, values in episode.items():
            np.testing.assert_array_equal(values, alone[array], err_msg=array)
    actions = np.concatenate([episode["action"] for episode in together])
    assert len(np.unique(actions)) > 1
    (other,) = play_episodes(make_player(name, agent), range(1), TinyConfig(), 3, "other")
    assert not np.array_equal(other["label"], together[0]["label"])


def test_rows_are_what_the_world_told(agent: Agent) -> None:
    for episode in play_episodes(Cheat(), range(4), TinyConfig(), 0, "test"):
        change = np.array([0, 1, -1])[episode["action"].astype(int)]
        np.testing.assert_array_equal(
            episode["label"][1:, 3], (episode["label"][:-1, 3].astype(int) + change[:-1]) % 3
        )
        np.testing.assert_array_equal(episode["reward"][:-1], episode["label"][1:, 3])
        assert episode["quantity"].tolist() == [[step, 3] for step in range(len(episode["obs"]))]
        assert episode["goal"].shape == (len(episode["obs"]), 0)
        assert episode["daylight"].dtype == np.float32 and (episode["daylight"] == 1).all()
        over = episode["terminated"] | episode["truncated"]
        assert over.tolist() == [False] * (len(over) - 1) + [True]


def test_recorded_play_is_the_same_for_any_number_of_workers(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRISLIB_WORKERS", "2")
    roll_out(ROLLOUT, TinyConfig(), 0, recorded / "agent", tmp_path / "work", tmp_path / "rollouts")
    assert digest(tmp_path / "rollouts") == digest(recorded / "rollouts")
    store = open_store(recorded / "rollouts", ROLLOUTS)
    assert (store.attrs["world"], store.attrs["player"], store.attrs["codebook_size"]) == ("tiny", "agent", 6)
    again = read_description(store)
    for name, value in vars(DESCRIPTION).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_a_world_that_does_not_fit_the_agent_is_refused(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamError, match=r"^env: frames of 64 x 64 pixels, but .* was trained on 48 x 64"):
        roll_out(ROLLOUT, CrafterConfig(), 0, recorded / "agent", tmp_path, tmp_path / "rollouts")


def test_any_world_goes_through_the_stages(recorded: Path, tmp_path: Path) -> None:
    paths = {"agent": recorded / "agent", "rollouts": recorded / "rollouts"}
    stores = {name: tmp_path / name for name in ("heatmaps", "changes", "crops", "embeddings")}
    heatmaps, changes, crops, embeddings = stores.values()
    embedder = tmp_path / "embedder"
    gradcam = GradcamConfig("occlusion", "norm", "code_input", 8, 16)
    compute_heatmaps(gradcam, 0, **paths, work=tmp_path / "work", out=heatmaps)
    compute_changes(ChangeConfig(16), **paths, work=tmp_path / "work", out=changes)
    crop_regions(CropConfig(0.5, 1, 16, 1), 0, paths["rollouts"], changes, crops)
    train_embedder(EmbedderConfig(16, 32, 64, 1, 0, 2, 0.1, 1), TinyConfig(), 0, embedder)
    embed_crops(EmbedConfig("random", 32, 16), 0, paths["rollouts"], crops, embedder, embeddings)
    metrics = MetricsConfig(0.05, 2, 1, 0.0, 3, 4)
    compute_metrics(metrics, 0, **paths, **stores, out=tmp_path / "reports")

    play, cut = open_store(paths["rollouts"], ROLLOUTS), open_store(crops, CROPS)
    shown = pixel_labels(play.read("label"))
    assert play.read("token").shape[1:] == (3, 4)
    truth, names = read_truth(play), np.array([*DESCRIPTION.labels, "display"])
    changed = read_attribution("change", play, open_store(changes, CHANGES), truth.boxes, crop_config(cut))
    label = truth.by_label(changed.mass[changed.maps.occurrence_map], changed.maps.occurrence_step).argmax(1)
    counts = np.zeros((6, 4), int)
    np.add.at(counts, (changed.maps.occurrence_code, label), changed.maps.occurrence_nonempty)
    codes = pd.read_csv(tmp_path / "reports/codes.csv")
    used = counts.any(axis=1)
    assert list(codes.loc[used, "label"]) == list(names[counts.argmax(axis=1)][used])
    assert codes.loc[~used, "label"].isna().all()
    assert (codes["display_share"].fillna(0) <= 1).all()
    labels = pd.read_csv(tmp_path / "reports/labels.csv")
    assert set(labels["label"]) <= {*names}

    step, box = cut.read("crop_step"), cut.read("crop_box")
    assert len(step)
    shares = crop_shares(play, step, box)
    for (y0, x0, y1, x1), at, share in zip(box, step, shares, strict=True):
        pixels = shown[at, y0:y1, x0:x1]
        for label in range(3):
            assert share[label] == pytest.approx((pixels == label).mean(), abs=1e-6)


def pixel_labels(label: np.ndarray) -> np.ndarray:
    """The label of each pixel, int [T,H,W]: 3 is the display, -1 nothing."""
    shown = np.full((len(label), *FRAME), -1)
    for box, (y0, x0, y1, x1) in enumerate(DESCRIPTION.world_boxes):
        shown[:, y0:y1, x0:x1] = label[:, box, None, None]
    y0, x0, y1, x1 = DESCRIPTION.display_boxes[0]
    shown[:, y0:y1, x0:x1] = 3
    return shown


def test_frames_agree_with_their_labels(recorded: Path) -> None:
    play = open_store(recorded / "rollouts", ROLLOUTS)
    truth, obs = read_truth(play), play.read("obs")
    assert truth.names == ("red", "green", "blue", "display")
    sums = truth.boxes.sum_pixels(obs[..., 1] > 128)  # green
    np.testing.assert_array_equal(sums[:, :4] > 0, truth.label == 1)
    values = np.tile(truth.boxes.area, (len(obs), 1))
    area = truth.by_label(values, np.arange(len(obs)))
    assert (area[:, 3] == 7 * 35).all() and (area.sum(axis=1) == truth.boxes.area.sum()).all()


def test_lanes_of_any_world_step_together() -> None:
    lanes = make_vector_env(TinyConfig(), 3, workers=1)
    obs, info = lanes.reset(seed=[0, 1, 2])
    assert obs.shape == (3, *FRAME, 3) and info["label"].shape == (3, 4)
    lanes.close()


def test_worlds_have_their_own_score_or_none() -> None:
    assert score("tiny", {}) is None
    assert score("crafter", {"eat": 0.5, "wake": 0.0}) == pytest.approx(math.sqrt(51) - 1)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (
            {"world": "chess", "frame_size": 64},
            r"^env.*world: must be one of crafter, minigrid, atari, not 'chess'",
        ),
        ({"world": "crafter", "frame_size": 64, "length": 9, "tiles": 8}, r"^env\.tiles: unknown parameter"),
        ({"world": "crafter", "frame_size": 50, "length": 9}, r"^env\.frame_size: 50 pixels leave a border"),
        ({"frame_size": 64, "length": 9}, r"^env.*world: must be one of crafter, minigrid"),
    ],
)
def test_mistakes_in_the_world_are_named(values: dict[str, object], complaint: str) -> None:
    with pytest.raises(ParamError, match=complaint):
        parse_section({"env": values}, "env", AnyWorld)  # type: ignore[type-abstract]


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_label": "grass"},
        {"quantity_box": np.array([0, 0], np.int16)},
        {"quantity_box": np.array([0, 2], np.int16)},
        {"quantities": ("health",)},
        {"world_boxes": np.zeros((0, 4), np.int16)},
    ],
)
def test_descriptions_that_contradict_themselves_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="quantities without a rectangle"):
        describe(**change)


def test_recorded_play_that_does_not_describe_its_world_is_refused(tmp_path: Path) -> None:
    outside = describe(world_boxes=np.array([(0, 0, 16, 65)], np.int16))
    frames, tokens = np.zeros((2, *FRAME, 3), np.uint8), np.zeros((2, 3, 4))
    play = record_play(tmp_path / "outside", frames, tokens, 2, description=outside)
    with pytest.raises(ArtifactError, match="outside the frame; run the rollout stage again"):
        read_truth(play)
    rows = {name: play.read(name) for name in ROLLOUTS.arrays}
    attrs = {name: value for name, value in outside.to_attributes().items() if name != "goal_names"}
    with writing(tmp_path / "nameless", ROLLOUTS, attrs) as store:
        store.append(**rows)
    nameless = open_store(tmp_path / "nameless", ROLLOUTS)
    with pytest.raises(ArtifactError, match=r"nameless: does not describe its world \('goal_names'\)"):
        read_truth(nameless)
