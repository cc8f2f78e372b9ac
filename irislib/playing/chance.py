"""What random actions reach in the episodes that an agent is judged on."""

import numpy as np

from irislib.playing.play import play_episodes
from irislib.playing.random_player import RandomPlayer
from irislib.worlds.score import playing_statistics
from irislib.worlds.world import WorldConfig


def chance(episodes: int, env: WorldConfig, seed: int) -> dict[str, float]:
    """Plays random actions in the very episodes that `evaluate` plays.

    Args:
        episodes: how many.
        env: the world.
        seed: the pipeline's.

    Returns:
        See `playing_statistics`.
    """
    played = play_episodes(RandomPlayer(), range(episodes), env, seed, "evaluation")
    columns = {name: np.concatenate([one[name] for one in played]) for name in ("reward", "episode")}
    return playing_statistics(columns["reward"], columns["episode"])
