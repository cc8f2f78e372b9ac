"""The trained agent plays; what it saw, did and got is kept together with what the simulator knew.

Episodes are played in shards of `lanes` side by side, each shard by one process on one thread, so the
result is the same whatever the number of workers and ranks. A finished shard survives a crash.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Gt

from irislib import ranks
from irislib.agent.agent import load_agent
from irislib.artifacts import writing
from irislib.errors import IrislibError, ParamError
from irislib.params import STRICT, require
from irislib.playing.play import play_episodes
from irislib.runtime import workers
from irislib.shards import Compute, Shards, compute_shards
from irislib.stores.rollouts import ROLLOUTS, agent_digest
from irislib.tokenizers.checks import check_frame
from irislib.tokenizers.load import FACTORY, load_tokenizer, tokenizer_digest
from irislib.tokenizers.reconstruction import encode_frames
from irislib.workdir import work_in
from irislib.worlds.crafter import (
    ACHIEVEMENT_NAMES,
    ACTION_NAMES,
    ITEM_NAMES,
    LABEL_NAMES,
    EnvConfig,
    cell_size,
    warm_up,
)


@dataclass(frozen=True)
class RolloutConfig:
    """The `rollout` section.

    Attributes:
        episodes: whole episodes to play (714 in the paper).
        lanes: episodes side by side in one process.
        temperature: of the policy's softmax.
        tokenizer: "package.module:factory" of the tokenizer whose codes are analysed; None for the agent's.
    """

    __pydantic_config__ = STRICT
    episodes: Annotated[int, Ge(1)]
    lanes: Annotated[int, Ge(1)]
    temperature: Annotated[float, Gt(0)]
    tokenizer: str | None = None

    def __post_init__(self) -> None:
        require(
            self.tokenizer is None or FACTORY.fullmatch(self.tokenizer) is not None,
            "tokenizer",
            f"{self.tokenizer!r} is not package.module:factory; write it so, or null for the agent's",
        )


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
    if trained.config.frame != (env.size, env.size):
        raise ParamError(
            f"env.size: {env.size}, but {agent} was trained on {trained.config.frame[0]}; train again"
        )
    source = config.tokenizer or agent
    tokenizer = load_tokenizer(source, torch.device("cpu"))
    check_frame(tokenizer, str(source), trained.config.frame)
    made_by = {"source": config.tokenizer, "digest": tokenizer_digest(tokenizer)}
    opened = work_in(work, "rollout", asdict(config), asdict(env), seed, made_by, agent)
    with ranks.on_first(opened) as folder:
        _require_shared(folder.is_dir(), folder)
        shards = Shards("episode", config.episodes, config.lanes, folder)
        todo = ranks.share(shards.unfinished())
        own = todo[ranks.rank() :: ranks.world_size()]
        warm_up()  # compile before the workers would each do it
        compute_shards(shards, own, workers(), "rollout", _player, agent, config, env, seed)
        ranks.barrier()
        if ranks.rank() == 0:
            about = {"tokenizer": made_by, "codebook_size": len(tokenizer.codebook)}
            _write(shards, out, about | _attrs(config, env, agent))


def _player(agent: Path, config: RolloutConfig, env: EnvConfig, seed: int) -> Compute:
    trained, tokenizer = load_agent(agent), load_tokenizer(config.tokenizer or agent)

    def play(episodes: range) -> dict[str, np.ndarray]:
        played = play_episodes(trained, episodes, config.temperature, env, seed, "rollout")
        arrays = {name: np.concatenate([e[name] for e in played]) for name in ROLLOUTS.arrays}
        return arrays | {"token": encode_frames(tokenizer, arrays["obs"])}

    return play


def _attrs(config: RolloutConfig, env: EnvConfig, agent: Path) -> dict[str, Any]:
    return {
        "agent": agent_digest(agent),
        "episodes": config.episodes,
        "label_names": LABEL_NAMES,
        "item_names": ITEM_NAMES,
        "achievement_names": ACHIEVEMENT_NAMES,
        "action_names": ACTION_NAMES,
        "cell": cell_size(env.size),
    }


def _write(shards: Shards, out: Path, attrs: dict[str, Any]) -> None:
    _require_shared(not shards.unfinished(), shards.folder)
    with writing(out, ROLLOUTS, attrs) as store:
        for arrays in shards.results():
            store.append(**arrays)


def _require_shared(seen: bool, folder: Path) -> None:
    if not seen:
        raise IrislibError(
            f"{folder}: not the same on every host; put it on a file system that they share (--work)"
        )
