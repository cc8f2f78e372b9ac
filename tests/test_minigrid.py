"""MiniGrid as a world: frames, truth, episodes, levels; and staged scenes."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from minigrid.core.grid import Grid
from minigrid.core.world_object import Ball, Box, Door, Floor, Goal, Key, Lava, Wall, WorldObj
from processes import printed_by_two

from irislib.errors import ParamError
from irislib.params import parse_section
from irislib.worlds.make import AnyWorld
from irislib.worlds.minigrid.config import MinigridConfig
from irislib.worlds.minigrid.game import ACTION_NAMES, GOAL_NAMES, QUANTITY_NAMES, MinigridWorld
from irislib.worlds.minigrid.labels import LABEL_NAMES
from irislib.worlds.minigrid.level import make_level
from irislib.worlds.minigrid.scenes import set_scene
from irislib.worlds.minigrid.view import View
from irislib.worlds.scenes import SceneSource
from irislib.worlds.vector import make_vector_env
from irislib.worlds.world import WorldConfig

DOORKEY = MinigridConfig()
EMPTY = MinigridConfig(level="MiniGrid-Empty-Random-5x5-v0")
BABYAI = MinigridConfig(level="BabyAI-GoToLocal-v0", view="egocentric")
WIDE = MinigridConfig(level="MiniGrid-Unlock-v0")  # 11 x 6 tiles
KINDS = {kind.__name__.lower(): kind for kind in (Wall, Floor, Door, Key, Ball, Box, Goal, Lava)}


def parse(**values: Any) -> WorldConfig:
    env = {"world": "minigrid", "frame_size": 64, "length": 9} | values
    return parse_section({"env": env}, "env", AnyWorld)  # type: ignore[type-abstract]


def action(name: str) -> np.int64:
    return np.int64(ACTION_NAMES.index(name))


def play(config: MinigridConfig, seed: int, steps: int, env: MinigridWorld | None = None) -> str:
    """A digest of all that random play returns; episode n starts from seed + n."""
    env = env or config.make()
    rng, sha = np.random.default_rng(seed), hashlib.sha256()
    obs, info = env.reset(seed=seed)
    for _ in range(steps):
        sha.update(obs.tobytes() + b"".join(np.asarray(value).tobytes() for value in info.values()))
        obs, reward, terminated, truncated, info = env.step(rng.integers(len(ACTION_NAMES)))
        sha.update(np.array([reward, terminated, truncated]).tobytes())
        if terminated or truncated:
            seed += 1
            obs, info = env.reset(seed=seed)
    return sha.hexdigest()


def digests() -> str:
    return play(DOORKEY, 3, 60) + play(BABYAI, 3, 60)


def test_processes_agree() -> None:
    assert printed_by_two(__file__) == {digests()}


def test_seed_alone_determines_an_episode() -> None:
    used = DOORKEY.make()
    play(DOORKEY, 1, 25, used)
    assert play(DOORKEY, 2, 25, used) == play(DOORKEY, 2, 25)


def test_resets_without_a_seed_follow_from_the_last_seed() -> None:
    one, two = EMPTY.make(), EMPTY.make()
    firsts = [env.reset(seed=5)[0] for env in (one, two)]
    later = [[env.reset()[0] for _ in range(4)] for env in (one, two)]
    np.testing.assert_equal(firsts[0], firsts[1])
    np.testing.assert_equal(later[0], later[1])
    assert not all(np.array_equal(obs, firsts[0]) for obs in later[0])


@pytest.mark.parametrize("config", [DOORKEY, BABYAI], ids=lambda config: config.view)
def test_gymnasium_accepts_it(config: MinigridConfig) -> None:
    check_env(config.make(), skip_render_check=True)


def sprite(name: str, tile: int, under: WorldObj | None) -> np.ndarray:
    """What the package draws where something of this name is, the agent over `under`."""
    if name == "unseen":
        return np.zeros((tile, tile, 3), np.uint8)
    *more, kind = name.split()
    if name.startswith("agent"):
        thing, direction = under, ("right", "down", "left", "up").index(kind)
    else:
        direction = None
        make: Any = KINDS.get(kind)
        thing = make and (make(more[-1]) if more else make())
        if kind == "door":
            thing = Door(more[1], is_open=more[0] == "open", is_locked=more[0] == "locked")
    return Grid.render_tile(thing, direction, tile_size=tile).astype(np.uint8)


def staged(config: MinigridConfig, count: int) -> Iterator[tuple[np.ndarray, np.ndarray, WorldObj | None]]:
    """Frames and labels of staged scenes, and what the agent carries."""
    game, view = make_level(config.level), View(config)
    for number in range(count):
        game.reset(seed=number)
        set_scene(game, np.random.default_rng(number))
        yield *view.look(game), game.carrying


@pytest.mark.parametrize("config", [DOORKEY, MinigridConfig(view="egocentric"), EMPTY, WIDE])
def test_every_label_lies_on_its_sprite(config: MinigridConfig) -> None:
    seen = set()
    for obs, label, held in staged(config, 120):
        rest = obs.copy()
        for (y0, x0, y1, x1), index in zip(config.describe().world_boxes, label, strict=True):
            name, under = LABEL_NAMES[index], held if config.view == "egocentric" else None
            assert np.array_equal(obs[y0:y1, x0:x1], sprite(name, config.tile, under)), name
            rest[y0:y1, x0:x1] = 0
            seen.add(name)
        assert not rest.any()  # black beside the tiles
        assert sum(LABEL_NAMES[index].startswith("agent") for index in label) == 1
    if len(label) > 40:  # in small levels, so many scenes do not show everything
        sideways = {f"agent facing {way}" for way in ("right", "down", "left")}
        assert {*LABEL_NAMES} - seen == ({"unseen"} if config.view == "full" else sideways)


@pytest.mark.parametrize(("tile", "alike"), [(3, True), (4, True), (6, False), (8, False)])
def test_below_6_pixels_an_open_door_and_an_unseen_tile_look_empty(tile: int, alike: bool) -> None:
    """And nothing else looks like anything else."""
    looks: dict[bytes, list[str]] = {}
    for name in LABEL_NAMES:
        looks.setdefault(sprite(name, tile, None).tobytes(), []).append(name)
    same = [names for names in looks.values() if len(names) > 1]
    doors = [name for name in LABEL_NAMES if name.startswith("open")]
    assert same == ([["unseen", "empty", *doors]] if alike else [])


def test_the_agent_is_the_label_of_a_tile_that_it_shares() -> None:
    env = DOORKEY.make()
    env.reset(seed=0)
    game: Any = env._game
    for under in (Goal(), Floor("red"), Door("blue", is_open=True)):
        game.grid.set(*game.agent_pos, under)
        obs, _, _, _, info = env.step(action("done"))
        x, y = game.agent_pos
        name = LABEL_NAMES[info["label"][8 * y + x]]
        assert np.array_equal(obs[8 * y : 8 * y + 8, 8 * x : 8 * x + 8], sprite(name, 8, under))
        assert name.startswith("agent facing")


def test_goals_and_what_is_carried_follow_events() -> None:
    env = DOORKEY.make()
    env.reset(seed=0)
    game = env._game
    ahead = tuple(game.front_pos)

    def happens(name: str) -> tuple[list[str], dict[str, int], float, bool]:
        _, reward, terminated, _, info = env.step(action(name))
        goals = [GOAL_NAMES[n] for n in np.flatnonzero(info["goal"])]
        held = {QUANTITY_NAMES[n]: int(info["quantity"][n]) for n in np.flatnonzero(info["quantity"])}
        return goals, held, reward, terminated

    game.grid.set(*ahead, Key("red"))
    assert happens("toggle") == ([], {}, 0, False)
    assert happens("pickup") == (["pick_up_key"], {"carried key": 1}, 0, False)
    assert happens("pickup") == ([], {"carried key": 1}, 0, False)
    game.grid.set(*ahead, Door("blue", is_locked=True))
    assert happens("toggle") == ([], {"carried key": 1}, 0, False)  # the wrong key
    game.grid.set(*ahead, Door("red", is_locked=True))
    assert happens("toggle") == (["open_door"], {"carried key": 1}, 0, False)
    assert happens("toggle") == ([], {"carried key": 1}, 0, False)  # it is shut again
    game.grid.set(*ahead, None)
    assert happens("drop") == ([], {}, 0, False)
    game.grid.set(*ahead, Box("red"))
    assert happens("pickup") == (["pick_up_box"], {"carried box": 1}, 0, False)
    game.grid.set(*ahead, Goal())
    goals, _, reward, terminated = happens("forward")
    assert (goals, terminated) == (["succeed"], True) and reward == pytest.approx(1 - 0.9 * 9 / 640)
    with pytest.raises(ResetNeeded):
        env.step(action("left"))
    assert not env.reset(seed=0)[1]["goal"].any()


@pytest.mark.parametrize(("length", "steps"), [(3, 3), (1000, 30)])
def test_the_length_or_the_limit_of_the_level_truncates(length: int, steps: int) -> None:
    env = MinigridConfig(level="MiniGrid-PutNear-6x6-N2-v0", length=length).make()
    with pytest.raises(ResetNeeded):
        env.step(action("left"))
    for _ in range(2):
        env.reset(seed=0)
        ends = [env.step(action("left"))[2:4] for _ in range(steps)]
        assert ends == [(False, False)] * (steps - 1) + [(False, True)]
        with pytest.raises(ResetNeeded):
            env.step(action("left"))


def test_a_level_may_take_fewer_actions() -> None:
    assert DOORKEY.describe().actions == ("left", "right", "forward", "pickup", "drop", "toggle", "done")
    moving = MinigridConfig(level="MiniGrid-Dynamic-Obstacles-5x5-v0")
    assert moving.describe().actions == ("left", "right", "forward")
    assert moving.make().action_space.n == 3  # type: ignore[attr-defined]


def test_tiles_are_as_large_as_fit() -> None:
    boxes = MinigridConfig(level="MiniGrid-FourRooms-v0").describe().world_boxes
    assert (len(boxes), boxes.max()) == (19 * 19, 57)
    boxes = MinigridConfig(view="egocentric").describe().world_boxes
    assert boxes[[0, 1, 7, -1]].tolist() == [[0, 0, 9, 9], [0, 9, 9, 18], [9, 0, 18, 9], [54, 54, 63, 63]]
    assert (len(WIDE.describe().world_boxes), WIDE.tile) == (66, 5)


def test_a_level_says_nothing_on_stdout(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    env = BABYAI.make()
    made: Any = env._game._gen_grid

    def generate(*size: int) -> None:
        print("Sampling rejected")
        made(*size)

    monkeypatch.setattr(env._game, "_gen_grid", generate)
    env.reset(seed=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (
            {"level": "MiniGrid-Emtpy-5x5-v0"},
            r"^env\.level: minigrid 3\.2\.0 has no level 'MiniGrid-Emtpy-5x5-v0'; use MiniGrid-Empty-5x5-v0$",
        ),
        ({"level": "MiniGrid-Empty-5x5"}, r"use MiniGrid-Empty-5x5-v0$"),
        ({"level": "chess"}, r"^env\.level: .* 'chess'; use an id that begins with MiniGrid- or BabyAI-$"),
        (
            {"level": "CartPole-v1"},
            r"^env\.level: CartPole-v1 is no level of MiniGrid; use an id",
        ),
        ({"level": "Ant-v5"}, r"^env\.level: Ant-v5 is no level of MiniGrid"),
        ({"level": "no_such_module:Level-v0"}, r"^env\.level: no_such_module cannot be imported"),
        ({"level": 5}, r"^env\.level: "),
        ({"view": "above"}, r"^env\.view: input should be 'full' or 'egocentric'"),
        ({"tiles": 8}, r"^env\.tiles: unknown parameter"),
        ({"length": 0}, r"^env\.length: "),
        (
            {"level": "MiniGrid-MultiRoom-N6-v0"},
            r"^env\.frame_size: 64 pixels are too few for 25 x 25 tiles; use at least 75, or view: ego",
        ),
        ({"view": "egocentric", "frame_size": 41}, r"^env\.frame_size: .* 7 x 7 .*; use at least 42$"),
    ],
)
def test_mistakes_are_one_line(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ParamError, match=complaint):
        parse(**values)


def test_all_but_the_world_has_a_default() -> None:
    assert parse() == MinigridConfig(length=9)
    egocentric = parse(level="MiniGrid-MultiRoom-N6-v0", view="egocentric")
    assert egocentric == MinigridConfig(level="MiniGrid-MultiRoom-N6-v0", view="egocentric", length=9)


def test_a_run_on_crafter_imports_no_minigrid() -> None:
    code = (
        "import sys; from pathlib import Path; from irislib.worlds import make, scripted\n"
        "env = make.load_world(Path('params.yaml')); env.describe(); scripted.scripted_player(env)\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('minigrid', 'pygame')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lanes_step_together() -> None:
    lanes = make_vector_env(EMPTY, 3, workers=1)
    obs, info = lanes.reset(seed=[0, 1, 2])
    assert obs.shape == (3, 64, 64, 3) and info["label"].shape == (3, 25)
    lanes.close()


@pytest.mark.parametrize("config", [EMPTY, BABYAI], ids=lambda config: config.view)
def test_scenes_are_of_the_world_and_repeat_themselves(config: MinigridConfig) -> None:
    source = config.scenes()
    assert isinstance(source, SceneSource)
    for make in (source.stage, source.play):
        scenes, again, other = make(23, 0, "a"), make(23, 0, "a"), make(23, 0, "b")
        assert scenes.obs.shape == (23, 64, 64, 3) and scenes.strata == {}
        assert scenes.label.shape == (23, len(config.describe().world_boxes)) and scenes.label.max() < len(
            LABEL_NAMES
        )
        assert scenes.quantity.shape == (23, 3) and scenes.quantity.sum(axis=1).max() <= 1
        for name in ("obs", "label", "quantity"):
            assert np.array_equal(getattr(scenes, name), getattr(again, name))
            assert name == "quantity" or not np.array_equal(getattr(scenes, name), getattr(other, name))


if __name__ == "__main__":
    print(digests())
