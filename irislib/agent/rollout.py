"""The trained agent plays; what it saw, did and got is kept together with what the simulator knew.

Episodes are played in shards of `lanes` side by side, each shard by one process on one thread, so the
result is the same whatever the number of workers. A finished shard survives a crash.
"""

import io
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Gt

from irislib.agent.agent import Agent, load_agent
from irislib.artifacts import writing
from irislib.envs.crafter import (
    ACHIEVEMENT_NAMES,
    ACTION_NAMES,
    ITEM_NAMES,
    LABEL_NAMES,
    CrafterEnv,
    EnvConfig,
    cell_size,
    warm_up,
)
from irislib.errors import IrislibError, ParamError
from irislib.params import STRICT
from irislib.runtime import progress, workers
from irislib.seeding import stream, stream_seed
from irislib.stores.rollouts import ROLLOUTS
from irislib.workdir import work_in, write_atomically


@dataclass(frozen=True)
class RolloutConfig:
    """The `rollout` section.

    Attributes:
        episodes: whole episodes to play (714 in the paper).
        lanes: episodes side by side in one process.
        temperature: of the policy's softmax.
    """

    __pydantic_config__ = STRICT
    episodes: Annotated[int, Ge(1)]
    lanes: Annotated[int, Ge(1)]
    temperature: Annotated[float, Gt(0)]


def roll_out(config: RolloutConfig, env: EnvConfig, seed: int, agent: Path, work: Path, out: Path) -> None:
    """Plays whole episodes and writes them as a store (protocol step 0).

    Args:
        agent: folder of the trained agent.
        work: where finished shards wait for the rest.
        out: the store (`ROLLOUTS`).

    Raises:
        ArtifactError: the agent is missing, foreign or damaged.
        ParamError: the environment does not fit the agent.
        IrislibError: a worker died, or another process makes this very store.
    """
    trained = load_agent(agent, torch.device("cpu"))
    if trained.config.resolution != env.size:
        raise ParamError(
            f"env.size: {env.size}, but {agent} was trained on {trained.config.resolution}; train again"
        )
    episodes = range(config.episodes)
    shards = [episodes[i : i + config.lanes] for i in range(0, config.episodes, config.lanes)]
    with work_in(work, "rollout", asdict(config), asdict(env), seed, agent) as folder:
        todo = [shard for shard in shards if not _shard_file(folder, shard).exists()]
        _play_all(todo, config, env, seed, agent, folder)
        attrs = {
            "episodes": config.episodes,
            "codebook_size": trained.config.tokenizer.vocab_size,
            "label_names": LABEL_NAMES,
            "item_names": ITEM_NAMES,
            "achievement_names": ACHIEVEMENT_NAMES,
            "action_names": ACTION_NAMES,
            "cell": cell_size(env.size),
        }
        with writing(out, ROLLOUTS, attrs) as store:
            for shard in shards:
                with np.load(_shard_file(folder, shard)) as arrays:
                    store.append(**arrays)


def _play_all(
    todo: list[range], config: RolloutConfig, env: EnvConfig, seed: int, agent: Path, folder: Path
) -> None:
    warm_up()  # compile before the workers would each do it
    with (
        progress(desc="rollout", total=sum(map(len, todo)), unit="episode") as bar,
        ProcessPoolExecutor(
            max_workers=max(1, min(workers(), len(todo))),
            mp_context=get_context("spawn"),
            initializer=_start_worker,
            initargs=(agent,),
        ) as pool,
    ):
        jobs = {pool.submit(_play_shard, shard, config, env, seed, folder): shard for shard in todo}
        try:
            for job in as_completed(jobs):
                job.result()
                bar.update(len(jobs[job]))
        except BrokenProcessPool:
            raise IrislibError(
                "rollout: a worker process died (out of memory?); run again to resume"
            ) from None


_agent: Agent  # of this worker process


def _start_worker(agent: Path) -> None:
    global _agent
    torch.set_num_threads(1)  # one shard a core; and the same sums on every machine with these kernels
    Thread(target=_exit_with_parent, daemon=True).start()
    _agent = load_agent(agent)


def _exit_with_parent() -> None:
    """A killed parent cannot end its workers: they watch it and leave."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _play_shard(shard: range, config: RolloutConfig, env: EnvConfig, seed: int, folder: Path) -> None:
    buffer = io.BytesIO()
    episodes = play_episodes(_agent, shard, config.temperature, env, seed)
    np.savez_compressed(buffer, **_concatenated(episodes))  # type: ignore[arg-type]
    write_atomically(_shard_file(folder, shard), buffer.getvalue())


def play_episodes(
    agent: Agent, episodes: range, temperature: float, env: EnvConfig, seed: int
) -> list[dict[str, np.ndarray]]:
    """Plays episodes side by side to their ends; each has its own seeds, named after its number.

    Returns:
        An episode's arrays by their names in `ROLLOUTS`, in the order of the episodes.
    """
    envs = [CrafterEnv(env) for _ in episodes]
    rngs = [stream(seed, "rollout", "act", i) for i in episodes]
    starts = [
        e.reset(seed=stream_seed(seed, "rollout", "episode", i)) for e, i in zip(envs, episodes, strict=True)
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
                    "achievement": next_info["achievement"],
                }
            )
            current[lane] = (next_obs, next_info)
            if terminated or truncated:
                del current[lane]
        playing = [i for i, lane in enumerate(lanes) if lane in current]
        state = state.select(torch.tensor(playing, dtype=torch.int64, device=agent.device))
    return [{name: np.stack([row[name] for row in lane]) for name in lane[0]} for lane in rows]


def _concatenated(episodes: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([e[name] for e in episodes]) for name in ROLLOUTS.arrays}


def _shard_file(folder: Path, shard: range) -> Path:
    return folder / f"episodes-{shard.start:06d}-{shard.stop:06d}.npz"
