"""The scripted players of MiniGrid."""

import hashlib

import numpy as np
import pytest
from minigrid.core.world_object import Door, Key, Lava
from processes import printed_by_two

from irislib.errors import ParamError
from irislib.playing.play import play_episodes
from irislib.worlds.minigrid.config import MinigridConfig
from irislib.worlds.minigrid.level import make_level
from irislib.worlds.minigrid.scripted import player as player_module
from irislib.worlds.minigrid.scripted.player import MinigridPlayer
from irislib.worlds.minigrid.scripted.shortest_path import next_action
from irislib.worlds.player import Player
from irislib.worlds.scripted import scripted_player
from irislib.worlds.world import World

DOORKEY = MinigridConfig(level="MiniGrid-DoorKey-6x6-v0")
UNLOCK = MinigridConfig(level="BabyAI-UnlockPickup-v0", view="egocentric")

Episodes = list[dict[str, np.ndarray]]


def play(config: MinigridConfig, episodes: range) -> Episodes:
    return play_episodes(scripted_player(config), episodes, config, 0, "test")


def digests() -> str:
    arrays = [array for config in (DOORKEY, UNLOCK) for e in play(config, range(2)) for array in e.values()]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def test_processes_agree() -> None:
    assert printed_by_two(__file__) == {digests()}


@pytest.mark.parametrize(
    "config",
    [DOORKEY, UNLOCK, *(MinigridConfig(level=f"MiniGrid-{name}-v0") for name in ("LavaGapS5", "Empty-8x8"))],
    ids=lambda config: config.level,
)
def test_it_succeeds(config: MinigridConfig) -> None:
    together = play(config, range(4))
    assert all(episode["goal"][-1, 0] and episode["reward"][-1] > 0 for episode in together)
    (alone,) = play(config, range(2, 3))
    for name, values in alone.items():
        np.testing.assert_array_equal(values, together[2][name], err_msg=name)
    assert len({episode["action"].tobytes() for episode in together}) > 1


def test_it_takes_the_shortest_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player_module, "SLIP", 0.0)
    config = MinigridConfig(level="MiniGrid-Empty-5x5-v0")
    (episode,) = play(config, range(1))
    names = [config.describe().actions[action] for action in episode["action"]]
    assert names == ["forward", "forward", "right", "forward", "forward"]


def test_errands_come_in_their_order() -> None:
    """A locked door is between the agent and the goal."""
    game = make_level("MiniGrid-Empty-5x5-v0")
    game.reset(seed=0)  # the agent is at (1, 1) and looks to the right, the goal is at (3, 3)

    def lay(x: int, y: int, thing: Door | Key | Lava | None) -> None:
        game.grid.set(x, y, thing)

    for y in (1, 3):
        lay(2, y, Lava())
    lay(2, 2, Door("red", is_locked=True))
    assert next_action(game) is None  # no key
    lay(1, 3, Key("blue"))
    assert next_action(game) is None  # the wrong one
    lay(1, 3, Key("red"))
    done, terminated = list[str](), False
    while not terminated:
        action = next_action(game)
        assert action is not None
        done.append(action)
        _, reward, terminated, _, _ = game.step(getattr(game.actions, action))
    errands = ["right", "forward", "pickup", "left", "toggle"]
    assert done == [*errands, "forward", "forward", "right", "forward"]
    assert float(reward) > 0


def test_where_the_bot_is_at_a_loss_it_goes_on_at_random() -> None:
    config = MinigridConfig(level="BabyAI-PutNextS5N2Carrying-v0", view="egocentric", length=40)
    (episode,) = play(config, range(1))
    assert len(episode["action"]) == 40 and set(episode["action"]) == {0, 1, 2}


def test_stray_steps_never_lead_into_lava(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player_module, "SLIP", 1.0)
    episodes = play(MinigridConfig(level="MiniGrid-LavaGapS5-v0"), range(3))
    assert all(episode["truncated"][-1] or episode["reward"][-1] > 0 for episode in episodes)


@pytest.mark.parametrize("level", ["MiniGrid-MemoryS7-v0", "MiniGrid-Unlock-v0"])
def test_a_level_that_it_does_not_know_is_refused(level: str) -> None:
    with pytest.raises(ParamError, match=rf"^rollout\.player: .* but {level} is neither; use agent"):
        scripted_player(MinigridConfig(level=level))


def test_it_is_a_player_of_minigrid_alone() -> None:
    player = MinigridPlayer(DOORKEY)
    assert isinstance(player, Player)

    class Chess(World):
        """Another world."""

    with pytest.raises(TypeError, match="Chess is not MiniGrid"):
        player.begin([Chess()], [np.random.default_rng(0)])


if __name__ == "__main__":
    print(digests())
