"""A player plays; what it saw, did and got is stored with the ground truth and with the frames' tokens.

Episodes are played in shards of `lanes` side by side, each shard by one process on one thread, so that the
result does not depend on the number of workers and ranks. A finished shard survives a crash.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt

from irislib import ranks
from irislib.agent.load import load_any_agent
from irislib.artifacts import writing
from irislib.errors import IrislibError, ParamError
from irislib.params import STRICT, require
from irislib.playing.play import play_episodes
from irislib.playing.player import AgentPlayer
from irislib.runtime import workers
from irislib.shards import Compute, Shards, compute_shards
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.checks import check_frame
from irislib.tokenizers.context import in_memory, past_of
from irislib.tokenizers.load import FACTORY, load_tokenizer, tokenizer_digest
from irislib.tokenizers.reconstruction import encode_frames
from irislib.workdir import work_in
from irislib.worlds.player import Player
from irislib.worlds.scripted import scripted_player
from irislib.worlds.world import WorldConfig


@dataclass(frozen=True)
class RolloutConfig:
    """The `rollout` section.

    Attributes:
        episodes: whole episodes to play (714 in the paper).
        lanes: episodes side by side in one process.
        temperature: of the softmax of the agent's policy.
        player: who acts: the trained agent, or the scripted player that the world offers.
        tokenizer: whose codes are analysed: "package.module:factory", or None for the agent's own
            tokenizer. It does not change the play.
    """

    __pydantic_config__ = STRICT
    episodes: Annotated[int, Ge(1)]
    lanes: Annotated[int, Ge(1)]
    temperature: Annotated[float, Gt(0)]
    player: Literal["agent", "scripted"] = "agent"
    tokenizer: str | None = None

    def __post_init__(self) -> None:
        require(
            self.tokenizer is None or FACTORY.fullmatch(self.tokenizer) is not None,
            "tokenizer",
            f"{self.tokenizer!r} is not package.module:factory; write it so, or null for the agent's",
        )


def roll_out(config: RolloutConfig, env: WorldConfig, seed: int, agent: Path, work: Path, out: Path) -> None:
    """Plays whole episodes and writes them as a store (protocol step 0); every rank plays its part.

    Args:
        config: the `rollout` section.
        env: the world.
        seed: the pipeline's.
        agent: folder of the trained agent. It is read if the agent plays or its tokenizer is analysed.
        work: where finished shards wait for the rest; ranks on several hosts must share it.
        out: the store (`ROLLOUTS`).

    Raises:
        ArtifactError: the agent is missing, foreign or damaged, or the tokenizer cannot be loaded.
        ParamError: the world does not fit the agent, or offers no scripted player.
        IrislibError: a worker died, or another process makes this very store.
    """
    if config.player == "agent":
        _require_fit(agent, env)
    else:
        scripted_player(env)
    source = config.tokenizer or agent
    tokenizer = load_tokenizer(source, torch.device("cpu"))
    check_frame(tokenizer, str(source), env.frame)
    attrs = {
        "world": env.world,
        "player": config.player,
        "tokenizer": {"source": config.tokenizer, "digest": tokenizer_digest(tokenizer)},
        "episodes": config.episodes,
        "codebook_size": len(tokenizer.codebook),
        **env.describe().to_attributes(),
    }
    players = [agent] if config.player == "agent" else []
    opened = work_in(work, "rollout", asdict(config), asdict(env), seed, attrs["tokenizer"], *players)
    with ranks.on_first(opened) as folder:
        _require_shared(folder.is_dir(), folder)
        shards = Shards("episode", config.episodes, config.lanes, folder)
        todo = ranks.share(shards.unfinished())
        own = todo[ranks.rank() :: ranks.world_size()]
        env.warm_up()  # before each worker would do it for itself
        compute_shards(shards, own, workers(), "rollout", _recorder, agent, config, env, seed)
        ranks.barrier()
        if ranks.rank() == 0:
            _write(shards, out, attrs)


def _require_fit(agent: Path, env: WorldConfig) -> None:
    """Raises ParamError unless the agent was trained on such frames and actions."""
    trained = load_any_agent(agent, torch.device("cpu"))
    if trained.config.frame != env.frame:
        wanted, known = (" x ".join(map(str, frame)) for frame in (env.frame, trained.config.frame))
        raise ParamError(f"env: frames of {wanted} pixels, but {agent} was trained on {known}; train again")
    actions = len(env.describe().actions)
    if trained.config.num_actions != actions:
        raise ParamError(
            f"env.world: {env.world} has {actions} actions, but {agent} was trained with "
            f"{trained.config.num_actions}; train again"
        )


def _recorder(agent: Path, config: RolloutConfig, env: WorldConfig, seed: int) -> Compute:
    player: Player = (
        AgentPlayer(load_any_agent(agent), config.temperature)
        if config.player == "agent"
        else scripted_player(env)
    )
    tokenizer = load_tokenizer(config.tokenizer or agent)

    def record(episodes: range) -> dict[str, np.ndarray]:
        played = play_episodes(player, episodes, env, seed, "rollout")
        arrays = {name: np.concatenate([e[name] for e in played]) for name in played[0]}
        steps = np.arange(len(arrays["obs"]))
        context = past_of(in_memory(arrays), steps, tokenizer.context_length)
        return arrays | {"token": encode_frames(tokenizer, arrays["obs"], context)}

    return record


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
