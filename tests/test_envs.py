import hashlib
from typing import Any

import crafter
import numpy as np
import pytest
from crafter import objects
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from processes import printed_by_two

from irislib.errors import ParamError
from irislib.params import parse_section
from irislib.worlds.crafter.game import (
    ACHIEVEMENT_NAMES,
    ACTION_NAMES,
    ITEM_NAMES,
    LABEL_NAMES,
    VIEW,
    CrafterConfig,
    CrafterWorld,
)
from irislib.worlds.vector import make_vector_env

NOOP, DO = np.int64(ACTION_NAMES.index("noop")), np.int64(ACTION_NAMES.index("do"))


def play(env: CrafterWorld, seed: int, steps: int) -> str:
    """A digest of all that random play returns and leaves in the world; episode n starts from seed + n."""
    rng, sha = np.random.default_rng(seed), hashlib.sha256()
    obs, info = env.reset(seed=seed)
    for _ in range(steps):
        obs, reward, terminated, truncated, info = env.step(rng.integers(len(ACTION_NAMES)))
        sha.update(obs.tobytes() + np.array([reward, terminated, truncated]).tobytes())
        sha.update(b"".join(np.asarray(value).tobytes() for value in info.values()))
        sha.update(env._game._world._obj_map.tobytes())
        if terminated or truncated:
            seed += 1
            sha.update(env.reset(seed=seed)[0].tobytes())
    return sha.hexdigest()


def test_processes_agree() -> None:
    assert printed_by_two(__file__) == {play(CrafterWorld(CrafterConfig()), seed=3, steps=250)}


def test_seed_alone_determines_an_episode() -> None:
    used = CrafterWorld(CrafterConfig())
    play(used, seed=1, steps=25)
    assert play(used, seed=2, steps=25) == play(CrafterWorld(CrafterConfig()), seed=2, steps=25)


def test_resets_without_a_seed_follow_from_the_last_seed() -> None:
    one, two = CrafterWorld(CrafterConfig()), CrafterWorld(CrafterConfig())
    first, again = one.reset(seed=5)[0], two.reset(seed=5)[0]
    assert np.array_equal(first, again)
    second = one.reset()[0]
    assert np.array_equal(second, two.reset()[0])
    assert not np.array_equal(second, first)


def test_gymnasium_accepts_it() -> None:
    check_env(CrafterWorld(CrafterConfig(frame_size=36)), skip_render_check=True)


@pytest.mark.parametrize("size", [64, 45])
def test_the_published_game_until_its_first_unordered_draw(size: int) -> None:
    ours, theirs = CrafterWorld(CrafterConfig(frame_size=size)), crafter.Env(size=(size, size), seed=9)
    assert np.array_equal(ours.reset(seed=9)[0], theirs.reset())
    for action in np.random.default_rng(0).integers(len(ACTION_NAMES), size=9):
        obs, reward, terminated, _, info = ours.step(action)
        their_obs, their_reward, done, their_info = theirs.step(action)
        assert np.array_equal(obs, their_obs)
        assert (reward, terminated) == (their_reward, done)
        x, y = their_info["player_pos"]
        theirs_in_view = their_info["semantic"][x - 4 : x + 5, y - 3 : y + 4].T
        assert np.array_equal(info["label"], theirs_in_view.reshape(-1))


def assert_frame_shows(env: CrafterWorld, obs: np.ndarray, semantic: np.ndarray) -> None:
    """Each cell's opaque pixels, by full daylight, are one of the textures of what stands in it."""
    cell = obs.shape[0] // 9
    textures = env._game._textures
    for (i, j), label in np.ndenumerate(semantic):
        name = LABEL_NAMES[label]
        shown = obs[cell * i : cell * (i + 1), cell * j : cell * (j + 1)].astype(int)
        if name == "outside":
            assert (shown == 127).all()
            continue
        variants = [file for file in textures._originals if file == name or file.startswith(f"{name}-")]
        images = [textures.get(file, (cell, cell)).swapaxes(0, 1).astype(int) for file in variants]
        # Crafter's blending may round down by one; materials leave the alpha channel unused.
        standing = name in ("player", "cow", "zombie", "skeleton", "arrow", "plant", "fence")
        assert any(
            (abs(shown - image[..., :3]) <= 1)[image[..., -1] == 255 if standing else ...].all()
            for image in images
        ), f"cell {(i, j)} does not show {name}"


@pytest.mark.parametrize("size", [64, 45])
def test_semantic_lies_on_the_pixels(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    env = CrafterWorld(CrafterConfig(frame_size=size))
    env.reset(seed=0)
    game: Any = env._game
    world, player = game._world, game._player
    monkeypatch.setattr(game, "_update_time", lambda: setattr(world, "daylight", 1.0))
    x, y = player.pos
    for obj in world.objects[1:]:
        world.remove(obj)
    for n, material in enumerate(crafter.constants.materials):
        world[x - 4 + n % 9, y - 3 + n // 9] = material
    for kind, place in [
        (objects.Cow, (x + 1, y)),
        (objects.Plant, (x - 1, y)),
        (objects.Fence, (x - 3, y + 2)),
    ]:
        world.add(kind(world, place))
    world.add(objects.Arrow(world, (x - 4, y), (1, 0)))
    world.add(objects.Zombie(world, (x + 3, y + 3), player))
    world.add(objects.Skeleton(world, (x + 4, y + 1), player))
    seen: set[str] = set()
    for _ in range(6):
        obs, _, _, _, info = env.step(NOOP)
        assert_frame_shows(env, obs, info["label"].reshape(VIEW))
        assert LABEL_NAMES[info["label"].reshape(VIEW)[3, 4]] == "player"
        seen |= {LABEL_NAMES[label] for label in info["label"]}
    assert seen == {*LABEL_NAMES} - {"outside"}


@pytest.mark.parametrize("corner", [(0, 0), (63, 0), (0, 63), (63, 63)])
def test_semantic_at_the_edge_of_the_world(corner: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    env = CrafterWorld(CrafterConfig())
    env.reset(seed=0)
    game: Any = env._game
    monkeypatch.setattr(game, "_update_time", lambda: setattr(game._world, "daylight", 1.0))
    if there := game._world[corner][1]:
        game._world.remove(there)
    game._world.move(game._player, corner)
    obs, _, _, _, info = env.step(NOOP)
    assert_frame_shows(env, obs, info["label"].reshape(VIEW))
    assert (info["label"] == LABEL_NAMES.index("outside")).sum() == 7 * 9 - 4 * 5


def test_inventory_and_achievements_follow_events() -> None:
    env = CrafterWorld(CrafterConfig())
    _, info = env.reset(seed=0)
    game: Any = env._game
    assert not info["goal"].any()
    assert dict(zip(ITEM_NAMES, info["quantity"], strict=True)) == game._player.inventory
    tree = game._player.pos + np.array(game._player.facing)
    rewards = []
    for action, wood, achieved in [(DO, 1, ["collect_wood"]), (NOOP, 1, []), (DO, 2, ["collect_wood"])]:
        game._world[tree] = "tree"  # a felled one leaves grass
        _, reward, _, _, info = env.step(action)
        rewards.append(reward)
        assert info["quantity"][ITEM_NAMES.index("wood")] == wood
        assert [ACHIEVEMENT_NAMES[n] for n in np.flatnonzero(info["goal"])] == achieved
    assert rewards == [1, 0, 0]
    assert not env.reset(seed=0)[1]["goal"].any()


def test_asleep_is_when_the_world_is_grey() -> None:
    env = CrafterWorld(CrafterConfig())
    obs, info = env.reset(seed=0)
    player: Any = env._game._player
    player.inventory["energy"] = 8  # the rested do not fall asleep
    slept = []
    for action in [NOOP, np.int64(ACTION_NAMES.index("sleep")), NOOP, NOOP, NOOP, NOOP]:
        slept.append(info["hidden"])
        red, green, blue = np.moveaxis(obs[: 7 * 7, : 9 * 7].astype(int), 2, 0)
        assert info["hidden"] == ((red == green) & (blue == red + 8)).all()
        obs, _, _, _, info = env.step(action)
        if len(slept) == 4:
            player.inventory["energy"] = 9
    assert slept == [False, False, True, True, True, False]
    assert not env.reset()[1]["hidden"]


def test_daylight_is_that_of_the_frame() -> None:
    env = CrafterWorld(CrafterConfig())
    obs, info = env.reset(seed=0)
    game: Any = env._game
    daylight: list[float] = []
    for _ in range(300):
        daylight.append(info["daylight"])
        if info["daylight"] >= 0.6:  # by night, drawing the frame again would change the future
            for light, same in ((info["daylight"] - 0.1, False), (info["daylight"], True)):
                game._world.daylight = light
                assert np.array_equal(game.render(), obs) is same
        game._player.health = 9
        obs, _, _, _, info = env.step(NOOP)
    assert info["daylight"] == daylight[0]  # a day later
    np.testing.assert_allclose(daylight, 1 - abs(np.cos(np.pi * (np.arange(300) / 300 + 0.3))) ** 3)
    assert min(daylight) == 0 and max(daylight) > 0.999
    assert env.reset()[1]["daylight"] == daylight[0]


def test_the_length_truncates_and_death_terminates() -> None:
    env = CrafterWorld(CrafterConfig(length=3))
    with pytest.raises(ResetNeeded):
        env.step(NOOP)
    env.reset(seed=0)
    assert [env.step(NOOP)[2:4] for _ in range(3)] == [(False, False), (False, False), (False, True)]
    with pytest.raises(ResetNeeded):
        env.step(NOOP)
    env.reset(seed=0)
    env.step(NOOP)
    env.step(NOOP)
    env._game._player.health = 0
    assert env.step(NOOP)[2:4] == (True, False)


@pytest.mark.parametrize("size", range(30, 150))
def test_only_sizes_without_a_border_are_accepted(size: int) -> None:
    values = {"env": {"frame_size": size, "length": 10}}
    if size >= 36 and (size - size // 9 * 9) // 2 == 0:
        assert parse_section(values, "env", CrafterConfig).frame_size == size
    else:
        with pytest.raises(ParamError, match=r"^env\.frame_size: "):
            parse_section(values, "env", CrafterConfig)


@pytest.mark.parametrize(("num_envs", "workers"), [(1, 1), (1, 4), (3, 2)])
def test_never_more_processes_than_workers(num_envs: int, workers: int) -> None:
    assert isinstance(make_vector_env(CrafterConfig(), num_envs, workers), SyncVectorEnv)


def test_workers_change_nothing() -> None:
    config = CrafterConfig(length=4)
    one, two = make_vector_env(config, num_envs=2, workers=1), make_vector_env(config, num_envs=2, workers=2)
    assert isinstance(two, AsyncVectorEnv)
    rng = np.random.default_rng(0)
    try:
        _, info = same(one.reset(seed=[10, 20]), two.reset(seed=[10, 20]))
        assert info["label"].shape == (2, 63)
        for step in range(12):
            actions = rng.integers(len(ACTION_NAMES), size=2)
            before, _, terminated, truncated, _ = same(one.step(actions), two.step(actions))
            mask = terminated | truncated
            mask[0] |= step == 1  # from here on the lanes end at different steps
            if mask.any():
                obs, info = same(
                    *(env.reset(seed=[step, step], options={"reset_mask": mask}) for env in (one, two))
                )
                assert np.array_equal(info["_label"], mask)
                assert np.array_equal(info["label"].any(1), mask)
                assert np.array_equal(obs[~mask], before[~mask])
    finally:
        one.close()
        two.close()


def same(left: Any, right: Any) -> Any:
    np.testing.assert_equal(left, right)
    return left


if __name__ == "__main__":
    print(play(CrafterWorld(CrafterConfig()), seed=3, steps=250))
