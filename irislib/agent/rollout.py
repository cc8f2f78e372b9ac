"""The trained agent plays; what it saw, did and got is kept together with what the simulator knew.

Episodes are played in shards of `lanes` side by side, each shard by one process on one thread, so the
result is the same whatever the number of workers and ranks. A finished shard survives a crash.
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

from irislib import ranks
from irislib.agent.agent import Agent, load_agent
from irislib.agent.config import AgentConfig
from irislib.agent.play import play_episodes
from irislib.artifacts import writing
from irislib.envs.crafter import (
    ACHIEVEMENT_NAMES,
    ACTION_NAMES,
    ITEM_NAMES,
    LABEL_NAMES,
    EnvConfig,
    cell_size,
    warm_up,
)
from irislib.errors import IrislibError, ParamError
from irislib.params import STRICT
from irislib.runtime import progress, workers
from irislib.stores.rollouts import ROLLOUTS, agent_digest
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
    """Plays whole episodes and writes them as a store (protocol step 0); every rank plays its part.

    Args:
        agent: folder of the trained agent.
        work: where finished shards wait for the rest; ranks on several hosts must share it.
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
    opened = work_in(work, "rollout", asdict(config), asdict(env), seed, agent)
    with ranks.on_first(opened) as folder:
        _require_shared(folder.is_dir(), folder)
        todo = ranks.share(_unplayed(shards, folder))
        _play_all(todo[ranks.rank() :: ranks.world_size()], config, env, seed, agent, folder)
        ranks.barrier()
        if ranks.rank() == 0:
            _write(shards, folder, out, _attrs(config, env, trained.config, agent))


def _attrs(config: RolloutConfig, env: EnvConfig, trained: AgentConfig, agent: Path) -> dict[str, Any]:
    return {
        "agent": agent_digest(agent),
        "episodes": config.episodes,
        "codebook_size": trained.tokenizer.vocab_size,
        "label_names": LABEL_NAMES,
        "item_names": ITEM_NAMES,
        "achievement_names": ACHIEVEMENT_NAMES,
        "action_names": ACTION_NAMES,
        "cell": cell_size(env.size),
    }


def _write(shards: list[range], folder: Path, out: Path, attrs: dict[str, Any]) -> None:
    _require_shared(not _unplayed(shards, folder), folder)
    with writing(out, ROLLOUTS, attrs) as store:
        for shard in shards:
            with np.load(_shard_file(folder, shard)) as arrays:
                store.append(**arrays)


def _require_shared(seen: bool, folder: Path) -> None:
    if not seen:
        raise IrislibError(
            f"{folder}: not the same on every host; put it on a file system that they share (--work)"
        )


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
        finally:
            pool.shutdown(cancel_futures=True)


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
    episodes = play_episodes(_agent, shard, config.temperature, env, seed, "rollout")
    np.savez_compressed(buffer, **_concatenated(episodes))  # type: ignore[arg-type]
    write_atomically(_shard_file(folder, shard), buffer.getvalue())


def _concatenated(episodes: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([e[name] for e in episodes]) for name in ROLLOUTS.arrays}


def _unplayed(shards: list[range], folder: Path) -> list[range]:
    # Listed, not looked up one by one: a network file system remembers what it did not find.
    played = set(folder.iterdir())
    return [shard for shard in shards if _shard_file(folder, shard) not in played]


def _shard_file(folder: Path, shard: range) -> Path:
    return folder / f"episodes-{shard.start:06d}-{shard.stop:06d}.npz"
