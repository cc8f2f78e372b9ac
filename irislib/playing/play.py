"""Whole episodes are played side by side; each has random streams of its own."""

from typing import Any

import numpy as np

from irislib.seeding import stream, stream_seed
from irislib.worlds.make import make
from irislib.worlds.player import Player
from irislib.worlds.world import WorldConfig


def play_episodes(
    player: Player, episodes: range, env: WorldConfig, seed: int, name: str
) -> list[dict[str, np.ndarray]]:
    """Plays episodes side by side to their ends.

    Args:
        player: decides the actions.
        episodes: their numbers, which name their random streams.
        env: the world.
        seed: the pipeline's.
        name: of the random streams, so that what is played for one purpose is not seen in another.

    Returns:
        An episode's arrays by their names in `ROLLOUTS`, "token" excepted, in the order of the episodes.
    """
    worlds = [make(env) for _ in episodes]
    starts = [
        world.reset(seed=stream_seed(seed, name, "episode", i))
        for world, i in zip(worlds, episodes, strict=True)
    ]
    player.begin(worlds, [stream(seed, name, "act", i) for i in episodes])
    current = dict(enumerate(starts))  # lane -> observation and info, of the lanes still playing
    rows: list[list[dict[str, Any]]] = [[] for _ in episodes]
    while current:
        lanes = list(current)
        actions = player.act(np.stack([current[lane][0] for lane in lanes]), lanes)
        for lane, action in zip(lanes, actions, strict=True):
            obs, info = current[lane]
            next_obs, reward, terminated, truncated, next_info = worlds[lane].step(action)
            rows[lane].append(
                {
                    "obs": obs,
                    "action": np.uint8(action),
                    "reward": np.float32(reward),
                    "terminated": terminated,
                    "truncated": truncated,
                    "episode": np.int32(episodes[lane]),
                    "label": info["label"],
                    "quantity": info["quantity"],
                    "hidden": info["hidden"],
                    "daylight": np.float32(info["daylight"]),
                    "goal": next_info["goal"],
                }
            )
            current[lane] = (next_obs, next_info)
            if terminated or truncated:
                del current[lane]
    return [{name: np.stack([row[name] for row in lane]) for name in lane[0]} for lane in rows]
