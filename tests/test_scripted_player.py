"""The scripted player of Crafter: what it does in staged worlds, and how it plays."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crafter import constants, objects
from processes import printed_by_two
from scipy.ndimage import label as components
from tiny_world import TinyConfig

from irislib.artifacts import digest, open_store
from irislib.errors import ParamError
from irislib.playing.play import play_episodes
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.seeding import stream_seed
from irislib.stores.rollouts import ROLLOUTS
from irislib.worlds.crafter.game import (
    ACHIEVEMENT_NAMES,
    ACTION_NAMES,
    LABEL_NAMES,
    CrafterConfig,
    CrafterWorld,
)
from irislib.worlds.crafter.scripted import player as player_module
from irislib.worlds.crafter.scripted.player import CrafterPlayer
from irislib.worlds.crafter.scripted.situation import DIRECTIONS
from irislib.worlds.crafter.scripted.travel import Cell, Travel
from irislib.worlds.player import Player
from irislib.worlds.scripted import scripted_player

Episode = dict[str, np.ndarray]
LENGTH = 310  # steps: longer than a day


def play_scripted(env: CrafterConfig, episodes: range, seed: int, purpose: str) -> list[Episode]:
    return play_episodes(scripted_player(env), episodes, env, seed, purpose)


@pytest.fixture(scope="module")
def played() -> list[Episode]:
    return play_scripted(CrafterConfig(length=LENGTH), range(3), 0, "test")


def returns(episodes: list[Episode]) -> np.ndarray:
    return np.array([episode["reward"].sum() for episode in episodes])


class Random:
    """Acts at random."""

    def begin(self, worlds: Any, rngs: Any) -> None:
        self.rngs = rngs

    def act(self, frames: np.ndarray, lanes: Any) -> np.ndarray:
        return np.array([self.rngs[lane].integers(len(ACTION_NAMES)) for lane in lanes])


def test_it_plays_much_better_than_chance(played: list[Episode]) -> None:
    chance = play_episodes(Random(), range(4), CrafterConfig(length=LENGTH), 0, "test")
    assert returns(played).min() > 6
    assert returns(played).mean() > 5 * max(returns(chance).mean(), 1)
    reached = {
        ACHIEVEMENT_NAMES[n] for episode in played for n in np.flatnonzero(episode["goal"].any(axis=0))
    }
    assert {"make_stone_pickaxe", "place_table", "collect_drink", "eat_cow", "defeat_zombie"} <= reached


def test_most_labels_are_seen_by_day_and_by_night(played: list[Episode]) -> None:
    awake = [episode["label"][~episode["hidden"]] for episode in played]
    seen = {LABEL_NAMES[n] for n in np.unique(np.concatenate(awake))}
    assert {*LABEL_NAMES} - seen <= {"outside", "fence", "diamond", "furnace"}
    daylight = np.concatenate([episode["daylight"][~episode["hidden"]] for episode in played])
    assert (daylight < 0.5).mean() > 0.05 and (daylight > 0.5).mean() > 0.4


def test_nights_are_slept_through(played: list[Episode]) -> None:
    woken = [episode["goal"][:, ACHIEVEMENT_NAMES.index("wake_up")].any() for episode in played]
    survived = [not episode["terminated"][-1] for episode in played]
    asleep = [episode["hidden"].mean() for episode in played]
    assert np.mean(woken) >= 0.5 and any(survived)
    assert 0.05 < np.mean(asleep) < 0.5


def test_the_same_actions_make_the_same_episode(played: list[Episode]) -> None:
    """The player changes nothing in the game and takes nothing from its random generator."""
    for number, episode in enumerate(played[:1]):
        world = CrafterWorld(CrafterConfig(length=LENGTH))
        obs, _ = world.reset(seed=stream_seed(0, "test", "episode", number))
        for frame, action in zip(episode["obs"], episode["action"], strict=True):
            assert np.array_equal(obs, frame)
            obs = world.step(np.int64(action))[0]


def test_looking_leaves_the_generator_alone() -> None:
    world = CrafterWorld(CrafterConfig())
    obs, _ = world.reset(seed=0)
    random = world._game._world.random
    player = CrafterPlayer()
    player.begin([world], [np.random.default_rng(0)])
    before = random.get_state()
    for _ in range(5):
        player.act(obs[None], [0])
    for one, other in zip(before, random.get_state(), strict=True):
        np.testing.assert_array_equal(one, other)


def digest_of(episodes: list[Episode]) -> str:
    sha = hashlib.sha256()
    for episode in episodes:
        for name in sorted(episode):
            sha.update(np.ascontiguousarray(episode[name]).tobytes())
    return sha.hexdigest()


def test_processes_agree() -> None:
    assert printed_by_two(__file__) == {
        digest_of(play_scripted(CrafterConfig(length=120), range(1, 2), 0, "test"))
    }


def test_an_episode_does_not_depend_on_those_played_beside_it(played: list[Episode]) -> None:
    for number in (1, 2):
        alone = play_scripted(CrafterConfig(length=LENGTH), range(number, number + 1), 0, "test")
        assert digest_of(alone) == digest_of([played[number]])
    assert len({digest_of([episode]) for episode in played}) == len(played)
    (other,) = play_scripted(CrafterConfig(length=5), range(1), 0, "other purpose")
    assert not np.array_equal(other["obs"][0], played[0]["obs"][0])


class Stage:
    """A world of grass without creatures, and the player in its middle."""

    def __init__(self, material: str = "grass", **items: int) -> None:
        self.world = CrafterWorld(CrafterConfig())
        self.obs, _ = self.world.reset(seed=0)
        self.game: Any = self.world._game
        for thing in self.game._world.objects[1:]:
            self.game._world.remove(thing)
        self.lay((slice(None), slice(None)), material)
        self.me = self.game._player
        self.lay(tuple(self.me.pos), "grass")
        self.me.inventory |= items
        self.player = CrafterPlayer()
        self.player.begin([self.world], [np.random.default_rng(1)])

    def lay(self, cells: Any, material: str) -> None:
        self.game._world._mat_map[cells] = constants.materials.index(material) + 1

    def act(self) -> str:
        return ACTION_NAMES[int(self.player.act(self.obs[None], [0])[0])]

    def step(self) -> str:
        action = self.act()
        self.obs = self.world.step(np.int64(ACTION_NAMES.index(action)))[0]
        return action


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing by chance: no slips, no excursions, and no creatures that appear."""
    monkeypatch.setattr(player_module, "SLIP", 0)
    monkeypatch.setattr(player_module, "EXCURSION", 0)
    monkeypatch.setattr("irislib.worlds.crafter.game._Game._balance_chunk", lambda *_: None)


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize(("material", "room"), [("grass", 4), ("stone", 2)])
def test_it_sleeps_in_a_closed_chamber(material: str, room: int) -> None:
    stage = Stage(material, energy=1, stone=9, wood_pickaxe=1)
    for _ in range(60):
        if stage.me.sleeping:
            break
        stage.step()
    assert stage.me.sleeping
    walkable = np.isin(
        stage.game._world._mat_map, [constants.materials.index(m) + 1 for m in constants.walkable]
    )
    regions, _ = components(walkable)  # of cells that share sides
    assert (regions == regions[tuple(stage.me.pos)]).sum() == room


@pytest.mark.usefixtures("steady")
def test_it_does_not_sleep_beside_a_monster_in_the_open() -> None:
    stage = Stage(energy=1)
    x, y = stage.me.pos
    stage.game._world.add(objects.Zombie(stage.game._world, (x + 3, y), stage.me))
    assert stage.act() != "sleep"
    stage = Stage(energy=1)
    assert stage.act() == "sleep"  # nothing to build with, and nobody around


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize(
    ("need", "kind", "action"),
    [("drink", "water", "do"), ("food", "cow", "do"), (None, "zombie", "do")],
)
def test_what_is_needed_is_faced_and_acted_on(need: str | None, kind: str, action: str) -> None:
    stage = Stage("grass", **({need: 1} if need else {}))
    x, y = stage.me.pos
    beside = (x + 1, y)
    if kind == "water":
        stage.lay(beside, kind)
    elif kind == "cow":
        stage.game._world.add(objects.Cow(stage.game._world, beside))
    else:
        stage.game._world.add(objects.Zombie(stage.game._world, beside, stage.me))
    assert stage.act() == "move_right"  # turns to it
    stage.me.facing = DIRECTIONS["right"]
    assert stage.act() == action


@pytest.mark.usefixtures("steady")
def test_a_tool_is_made_from_nothing_but_its_materials() -> None:
    stage = Stage()
    x, y = stage.me.pos
    for n in range(9):
        stage.lay((x + 3 + n, y), "tree")
        stage.lay((x + 3 + n, y - 2), "tree")
        stage.lay((x + 3 + n, y + 3), "stone")
    for n in range(2):
        stage.lay((x - 4, y + n), "coal")
        stage.lay((x - 5, y + n), "iron")
    stage.lay((x, y - 5), "diamond")
    stage.me.achievements |= dict.fromkeys(("place_plant", "defeat_zombie", "defeat_skeleton"), 1)
    for _ in range(200):
        stage.step()
        stage.me.inventory |= dict.fromkeys(("food", "drink", "energy"), 9)
    made = {name for name, count in stage.me.achievements.items() if count}
    assert {"make_iron_pickaxe", "make_iron_sword", "collect_diamond", "place_furnace"} <= made


@pytest.mark.parametrize("slip", [0.0, 1.0])
def test_it_never_walks_into_lava(slip: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player_module, "SLIP", slip)
    monkeypatch.setattr("irislib.worlds.crafter.game._Game._balance_chunk", lambda *_: None)
    stage = Stage()
    rng = np.random.default_rng(0)
    lava = rng.random(stage.game._world.area) < 0.3
    lava[tuple(stage.me.pos)] = False
    stage.lay(lava, "lava")
    places = set()
    for _ in range(150):
        stage.step()
        places.add(tuple(stage.me.pos.tolist()))
        assert stage.me.health > 0
    assert len(places) > 1


@pytest.mark.usefixtures("steady")
def test_without_anything_to_go_to_it_stays_alive_to_the_end() -> None:
    stage = Stage("water", food=1, energy=2)
    stage.lay((slice(0, 64), slice(0, 64)), "table")  # nothing to drink either
    stage.lay(tuple(stage.me.pos), "sand")
    assert all(stage.step() in ACTION_NAMES for _ in range(20))


def test_ways_are_the_shortest() -> None:
    free = np.ones((6, 5), bool)
    free[2, :4] = False  # a wall with a gap at its end
    diggable = np.zeros_like(free)
    flat = np.zeros(free.shape, np.int64)
    wanted = np.zeros_like(free)
    wanted[4, 0] = True
    around = Travel((0, 0), free, diggable, flat)
    at, steps = (0, 0), 0
    while at != (4, 0):
        at, steps = Travel(at, free, diggable, flat).first_step((4, 0)), steps + 1
    assert steps == 4 + 2 * 4
    assert around.nearest(wanted) == (4, 0)
    assert around.nearest(wanted, within=2) is None
    diggable[2, 0] = True
    through = Travel((0, 0), free, diggable, flat)
    assert through.cost.reshape(free.shape)[4, 0] < around.cost.reshape(free.shape)[4, 0]
    assert not Travel((0, 0), free & (np.arange(5) < 4), np.zeros_like(free), flat).reachable()[4, 0]
    assert Travel((0, 0), free, diggable, flat).nearest(np.zeros_like(free)) is None


def test_walls_can_be_faced_but_not_passed() -> None:
    free = np.zeros((5, 1), bool)
    free[0] = True
    travel = Travel((0, 0), free, np.zeros_like(free), np.zeros(free.shape, np.int64))
    target: Cell = (1, 0)
    assert travel.first_step(target) == target
    assert travel.reachable()[:, 0].tolist() == [True, True, False, False, False]


def test_a_world_without_a_scripted_player_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ParamError, match=r"^rollout\.player: the world tiny has no scripted player; use agent"
    ):
        scripted_player(TinyConfig())
    config = RolloutConfig(2, 2, 1.0, player="scripted")
    with pytest.raises(ParamError, match=r"^rollout\.player: "):
        roll_out(config, TinyConfig(), 0, tmp_path / "no agent", tmp_path / "work", tmp_path / "rollouts")


def test_recorded_play_of_the_scripted_player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No agent is needed where another tokenizer is analysed; the number of workers and lanes is free."""
    env = CrafterConfig(length=15)
    monkeypatch.setenv("IRISLIB_WORKERS", "1")
    for name, lanes in (("one", 1), ("two", 2)):
        config = RolloutConfig(2, lanes, 1.0, player="scripted", tokenizer="own_tokenizers:random")
        roll_out(config, env, 3, tmp_path / "no agent", tmp_path / "work", tmp_path / name)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    store = open_store(tmp_path / "one", ROLLOUTS)
    assert store.attrs["player"] == "scripted"
    episodes = play_scripted(env, range(2), 3, "rollout")
    np.testing.assert_array_equal(store.read("obs"), np.concatenate([e["obs"] for e in episodes]))
    np.testing.assert_array_equal(store.read("action"), np.concatenate([e["action"] for e in episodes]))


def test_it_is_a_player() -> None:
    assert isinstance(CrafterPlayer(), Player)
    with pytest.raises(TypeError, match="TinyWorld is not Crafter"):
        CrafterPlayer().begin([TinyConfig().make()], [np.random.default_rng(0)])


if __name__ == "__main__":
    print(digest_of(play_scripted(CrafterConfig(length=120), range(1, 2), 0, "test")))
