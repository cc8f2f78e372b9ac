"""Atari games: the released protocol, the truth against the pixels, determinism, mistakes."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import REPO
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from PIL import Image
from processes import printed_by_two
from scipy.ndimage import binary_erosion

from irislib.agent import Agent, export_official_iris
from irislib.agent.config import ActorCriticConfig, AgentConfig, WorldModelConfig
from irislib.errors import IrislibError, ParamError
from irislib.params import parse_section
from irislib.study.overlays import read_overlay
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.worlds.atari.config import AtariConfig
from irislib.worlds.atari.resizing import resize_labels
from irislib.worlds.atari.things import OTHER, Thing, Things
from irislib.worlds.atari.world import AtariWorld, squares_of
from irislib.worlds.make import AnyWorld
from stages import init, profile

ale_py = pytest.importorskip("ale_py")

PONG = AtariConfig()
NOOP = np.int64(0)

# Red, green and blue of the background and of each thing, as anyone sees them on the screen.
COLOURS = {
    "Pong": {
        "background": (144, 72, 17),
        "player": (92, 186, 92),
        "opponent": (213, 130, 74),
        "ball": (236, 236, 236),
        "wall": (236, 236, 236),
    },
    "Breakout": {
        "background": (0, 0, 0),
        "ball": (200, 72, 72),
        "player": (200, 72, 72),
        "red brick": (200, 72, 72),
        "orange brick": (198, 108, 58),
        "brown brick": (180, 122, 48),
        "yellow brick": (162, 162, 42),
        "green brick": (72, 160, 72),
        "blue brick": (66, 72, 200),
        "wall": (142, 142, 142),
    },
    "Boxing": {
        "background": (110, 156, 66),
        "player": (214, 214, 214),
        "opponent": (0, 0, 0),
        "rope": (195, 144, 61),
    },
}


def play(world: AtariWorld, seed: int, steps: int) -> str:
    """A digest of all that random play returns; episode n starts from seed + n."""
    rng, sha = np.random.default_rng(seed), hashlib.sha256()
    obs, info = world.reset(seed=seed)
    for _ in range(steps):
        obs, reward, terminated, truncated, info = world.step(rng.integers(len(world.description.actions)))
        sha.update(obs.tobytes() + np.array([reward, terminated, truncated]).tobytes())
        sha.update(b"".join(np.asarray(value).tobytes() for value in info.values()))
        if terminated or truncated:
            seed += 1
            sha.update(world.reset(seed=seed)[0].tobytes())
    return sha.hexdigest()


# Other games by numbered colours; sticky actions take the console's own random numbers.
ELSEWHERE = AtariConfig(game="Freeway", sticky=0.25, length=30)


def test_processes_agree() -> None:
    assert printed_by_two(__file__) == {play(AtariWorld(ELSEWHERE), seed=3, steps=70)}


def test_the_seed_alone_determines_an_episode() -> None:
    used = AtariWorld(ELSEWHERE)
    first = play(used, seed=1, steps=40)
    assert play(used, seed=2, steps=40) == play(AtariWorld(ELSEWHERE), seed=2, steps=40) != first
    one, two = AtariWorld(ELSEWHERE), AtariWorld(ELSEWHERE)
    starts = [one.reset(seed=seed)[0].tobytes() for seed in range(6)]
    assert len(set(starts)) > 1  # screens without an action
    two.reset(seed=5)
    assert np.array_equal(one.reset()[0], two.reset()[0])


def test_gymnasium_accepts_it() -> None:
    check_env(AtariWorld(AtariConfig(frame_size=16, noop_max=0)), skip_render_check=True)


@pytest.mark.parametrize("game", ["Breakout", "SpaceInvaders"])
def test_frames_and_rewards_are_those_of_the_released_wrappers(game: str) -> None:
    """Resized before the maximum is taken. The game begins with one screen without an action, as theirs."""
    from ale_py.env import AtariEnv

    rom = {"Breakout": "breakout", "SpaceInvaders": "space_invaders"}[game]
    theirs = AtariEnv(rom, frameskip=1, repeat_action_probability=0.0)
    ours = AtariWorld(AtariConfig(game=game, noop_max=1))
    theirs.reset(seed=0)

    def screen(action: int) -> tuple[np.ndarray, float]:
        screen, reward, *_ = theirs.step(action)
        return np.array(Image.fromarray(screen).resize((64, 64), Image.Resampling.BILINEAR)), float(reward)

    assert np.array_equal(ours.reset(seed=4)[0], screen(0)[0])
    assert ours.description.actions == tuple(name.lower() for name in theirs.get_action_meanings())
    rewarded = 0.0
    for action in np.random.default_rng(0).integers(len(ours.description.actions), size=150):
        screens, rewards = zip(*(screen(int(action)) for _ in range(4)), strict=True)
        obs, reward, terminated, _, _ = ours.step(action)
        if terminated:
            break
        assert np.array_equal(obs, np.maximum(*screens[-2:]))
        assert reward == sum(rewards)
        rewarded += reward
    assert rewarded > 0


@pytest.mark.parametrize("side", [1, 2])
@pytest.mark.parametrize("game", COLOURS)
def test_labels_lie_on_the_pixels(game: str, side: int) -> None:
    """A square with a thing shows its colour; one far from all things shows the background alone."""
    world = AtariWorld(AtariConfig(game=game, label_size=side))
    description, grid = world.description, 64 // side
    colour = {name: np.array(rgb, float) for name, rgb in COLOURS[game].items()}
    assert set(colour) == set(description.labels)
    background = colour["background"]
    shows: dict[str, list[bool]] = {name: [] for name in colour}
    rng = np.random.default_rng(2)
    world.reset(seed=0)
    for _ in range(60):
        obs, _, terminated, _, info = world.step(rng.integers(len(description.actions)))
        assert not terminated
        clear = np.zeros((grid, grid), bool)
        for (y0, x0, y1, x1), label in zip(description.world_boxes, info["label"], strict=True):
            name = description.labels[label]
            if name == "background":
                clear[y0 // side, x0 // side] = True
                continue
            towards = colour[name] - background
            share = (obs[y0:y1, x0:x1].reshape(-1, 3) - background) @ towards / (towards @ towards)
            shows[name].append(share.max() > 0.15)
        # Not beside a thing, the display, or the bars at the edge of the screen.
        clear[:, : 8 // side] = False
        away = binary_erosion(clear, np.ones((3, 3)))
        pixels = obs[np.kron(away, np.ones((side, side))).astype(bool)]
        # A thing of less than half a pixel has no square.
        shows["background"].append((abs(pixels - background) <= 1).all(axis=1).mean() > 0.98)
    for name, squares in shows.items():  # in a few, two boxers mix
        assert len(squares) > 10 and np.mean(squares) > 0.98, name


def test_the_rows_of_the_score_are_the_display() -> None:
    for game, pixels in (("Pong", 64 * 8), ("Breakout", 64 * 6), ("Boxing", 64 * 14), ("Freeway", 0)):
        description = AtariConfig(game=game).describe()
        boxes = np.concatenate([description.world_boxes, description.display_boxes])
        assert len(description.display_boxes) == pixels / 4
        assert {*map(tuple, boxes.tolist())} == {*map(tuple, squares_of(AtariConfig()).tolist())}


def test_other_games_have_numbered_colours() -> None:
    world = AtariWorld(AtariConfig(game="Freeway"))
    *colours, other, background = world.description.labels
    assert (other, background) == (OTHER, "background")
    assert 5 < len(colours) <= 30 and all(name.startswith("colour ") for name in colours)
    _, info = world.reset(seed=0)
    shown = np.bincount(info["label"], minlength=len(world.description.labels))
    assert shown[-2] == 0 and shown[-1] > 100 and np.count_nonzero(shown) > 4


def test_labels_are_resized_by_the_area_that_they_cover() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        shown = rng.integers(4, size=(9, 7), dtype=np.uint8)
        fine = np.kron(shown, np.ones((6, 6), np.uint8))  # each part of a pixel that the resizing may cut
        pixel = [
            [np.bincount(part.ravel(), minlength=4).argmax() for part in np.split(row, 6, axis=1)]
            for row in np.split(fine, 6)
        ]
        squares = np.array(pixel).reshape(3, 2, 3, 2).swapaxes(1, 2).reshape(9, 4)
        counts = np.array([np.bincount(square, minlength=4) for square in squares])
        counts[:, 3] = counts[:, 3] == 4
        np.testing.assert_array_equal(resize_labels(shown, 6, 1, 4), np.array(pixel).ravel())
        np.testing.assert_array_equal(resize_labels(shown, 6, 2, 4), counts.argmax(axis=1))


def test_later_things_are_painted_over_earlier_ones() -> None:
    things = Things((Thing("ball", 6), Thing("paddle", 6, (1, 0, 2, 2)), Thing("background", 8)), rest="rest")
    assert things.labels == ("ball", "paddle", "rest", "background")
    screen = np.array([(6, 8, 2), (6, 8, 6)], np.uint8)
    assert things.label(screen).tolist() == [[0, 3, 2], [1, 3, 0]]


def test_the_brighter_of_two_screens_is_the_one_that_shows() -> None:
    """A boxer in black moves over the green ring: what the maximum shows is where he is on both screens."""
    world = AtariWorld(AtariConfig(game="Boxing", noop_max=1, label_size=1))
    world.reset(seed=0)
    green, black = np.full((210, 160, 3), 100, np.uint8), 214
    screens = []
    for left in (40, 50):
        rgb, colour = green.copy(), np.full((210, 160), black, np.uint8)
        rgb[50:100, left : left + 40], colour[50:100, left : left + 40] = 0, 0
        screens.append((rgb, colour))
    obs, info = world._show(screens)
    opponent = np.zeros((64, 64), bool)
    boxes = world.description.world_boxes[info["label"] == world.description.labels.index("opponent")]
    opponent[boxes[:, 0], boxes[:, 1]] = True
    np.testing.assert_array_equal(opponent, obs[..., 0] < 50)


def test_a_lost_life_ends_an_episode_in_training_alone() -> None:
    config = AtariConfig(game="Breakout", noop_max=0)
    fire = np.int64(1)
    lives = {}
    for name, one in (("judged", config), ("trained", config.for_training())):
        world = AtariWorld(one)
        _, info = world.reset(seed=0)
        seen, terminated = [int(info["quantity"][0])], False
        while not terminated:
            _, _, terminated, _, info = world.step(fire)
            seen.append(int(info["quantity"][0]))
        lives[name] = list(dict.fromkeys(seen))
        with pytest.raises(ResetNeeded):
            world.step(fire)
        assert world.reset(seed=0)[1]["quantity"].tolist() == [5, 0, 0]
    assert lives == {"judged": [5, 4, 3, 2, 1, 0], "trained": [5, 4]}
    assert replace(config, life_loss_ends="never").for_training().life_loss_ends == "never"


def test_points_are_counted_and_the_length_cuts_off() -> None:
    world = AtariWorld(replace(PONG, length=80))
    _, info = world.reset(seed=0)
    rewards = []
    for step in range(80):
        _, reward, terminated, truncated, info = world.step(NOOP)
        rewards.append(reward)
        assert (terminated, truncated) == (False, step == 79)
        assert info["quantity"].tolist() == [0, rewards.count(1), rewards.count(-1)]
    assert rewards.count(-1) > 0
    with pytest.raises(ResetNeeded):
        world.step(NOOP)


@pytest.mark.parametrize(
    ("game", "complaint"),
    [
        ("Pnog", r"env\.game: there is no game 'Pnog'; use Pong$"),
        ("ms_pacman", r"env\.game: there is no game 'ms_pacman'; use MsPacman$"),
        ("Chess", r"env\.game: there is no game 'Chess'; use "),
        ("???", r"env\.game: .*; use one of Adventure, AirRaid"),
        ("Joust", r"env\.game: there is no game 'Joust'; use "),
    ],
)
def test_games_that_there_are_not_are_refused(game: str, complaint: str) -> None:
    for use in (AtariConfig(game=game).describe, AtariConfig(game=game).make):
        with pytest.raises(ParamError, match=complaint):
            use()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"label_size": 3}, r"^env\.label_size: 3 does not divide frame_size 64; use 1, 2 or 4"),
        ({"sticky": 1.5}, r"^env\.sticky: "),
        ({"sticky": float("nan")}, r"^env\.sticky: "),
        ({"noop_max": -1}, r"^env\.noop_max: "),
        ({"frame_skip": 0}, r"^env\.frame_skip: "),
        ({"life_loss_ends": "sometimes"}, r"^env\.life_loss_ends: "),
        ({"tiles": 3}, r"^env\.tiles: unknown parameter"),
    ],
)
def test_impossible_options_are_refused(values: dict[str, object], complaint: str) -> None:
    with pytest.raises(ParamError, match=complaint):
        parse_section({"env": {"world": "atari", **values}}, "env", AnyWorld)  # type: ignore[type-abstract]


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ale_py", None)
    values = {"env": {"world": "atari", "length": 77}}  # nothing of it is known from another test
    config = parse_section(values, "env", AnyWorld)  # type: ignore[type-abstract]
    with pytest.raises(IrislibError, match=r"^env\.world: atari needs .*pip install .*\[atari\]'$") as caught:
        config.make()
    assert "\n" not in str(caught.value)


def test_an_agent_of_another_game_is_refused_in_one_line(tmp_path: Path) -> None:
    """Released checkpoints have the actions of their games: 6 in Pong, 9 in Ms. Pac-Man."""
    text = (REPO / "params.yaml").read_text()
    params = tmp_path / "params.yaml"
    params.write_text(profile.apply(read_overlay(REPO / "profiles", "atari", "profile"), text))
    (tmp_path / "init").mkdir()
    tokenizer = IrisConfig(VectorQuantizerConfig("vq", 24, 6, 0), 10, 64, (1, 1, 1, 1, 1), 1, ())
    memory, dreams = ActorCriticConfig(7), WorldModelConfig(3, 1, 4, 16, 0.1)
    export_official_iris(Agent(AgentConfig((64, 64), 9, tokenizer, dreams, memory)), tmp_path / "last.pt")
    options = ["--init", str(tmp_path / "init"), "--params", str(params), str(tmp_path / "last.pt")]
    (line,) = CliRunner().invoke(init.main, options).output.splitlines()
    assert line.startswith("error: env: has 6 actions, but ")
    assert "has 9; start from an agent that was trained on this world and game" in line


if __name__ == "__main__":
    print(play(AtariWorld(ELSEWHERE), seed=3, steps=70))
