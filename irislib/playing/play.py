"""The agent plays whole episodes side by side, each with random streams of its own."""

from typing import Any

import numpy as np
import torch

from irislib.agent.agent import Agent
from irislib.seeding import stream, stream_seed
from irislib.worlds.crafter import CrafterEnv, EnvConfig


def play_episodes(
    agent: Agent, episodes: range, temperature: float, env: EnvConfig, seed: int, name: str
) -> list[dict[str, np.ndarray]]:
    """Plays episodes side by side to their ends; each has its own seeds, named after its number.

    Args:
        name: of the random streams, so that what is played for one purpose is not seen in another.

    Returns:
        An episode's arrays by their names in `ROLLOUTS`, in the order of the episodes.
    """
    envs = [CrafterEnv(env) for _ in episodes]
    rngs = [stream(seed, name, "act", i) for i in episodes]
    starts = [
        e.reset(seed=stream_seed(seed, name, "episode", i)) for e, i in zip(envs, episodes, strict=True)
    ]
    current = dict(enumerate(starts))  # lane -> observation and info, of the lanes still playing
    rows: list[list[dict[str, Any]]] = [[] for _ in episodes]
    state = agent.actor_critic.initial_state(len(envs))
    while current:
        lanes = list(current)
        frames = torch.from_numpy(np.stack([current[lane][0] for lane in lanes]))
        actions, tokens, state = agent.act(frames, state, [rngs[lane] for lane in lanes], temperature)
        grids = tokens.cpu().numpy().astype(np.int16)
        for lane, action, grid in zip(lanes, actions, grids, strict=True):
            obs, info = current[lane]
            next_obs, reward, terminated, truncated, next_info = envs[lane].step(action)
            rows[lane].append(
                {
                    "obs": obs,
                    "token": grid,
                    "action": np.uint8(action),
                    "reward": np.float32(reward),
                    "terminated": terminated,
                    "truncated": truncated,
                    "episode": np.int32(episodes[lane]),
                    "semantic": info["semantic"],
                    "inventory": info["inventory"],
                    "asleep": info["asleep"],
                    "achievement": next_info["achievement"],
                }
            )
            current[lane] = (next_obs, next_info)
            if terminated or truncated:
                del current[lane]
        playing = [i for i, lane in enumerate(lanes) if lane in current]
        state = state.select(torch.tensor(playing, dtype=torch.int64, device=agent.device))
    return [{name: np.stack([row[name] for row in lane]) for name in lane[0]} for lane in rows]
