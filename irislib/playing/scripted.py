"""Play of a world's scripted player: frames for training and judging tokenizers, without an agent."""

import numpy as np

from irislib.playing.play import play_episodes
from irislib.worlds.scripted import scripted_player
from irislib.worlds.world import WorldConfig


def play_scripted(env: WorldConfig, episodes: range, seed: int, purpose: str) -> list[dict[str, np.ndarray]]:
    """Whole episodes of the world's scripted player, the same in any process and in any company.

    Args:
        env: the world.
        episodes: their numbers. Each number names the random streams of its episode, so parts of a range can
            be played in different processes.
        seed: the pipeline's.
        purpose: names the random streams as well: another purpose has other episodes.

    Returns:
        What `play_episodes` returns.

    Raises:
        ParamError: the world offers no scripted player.
    """
    return play_episodes(scripted_player(env), episodes, env, seed, purpose)
