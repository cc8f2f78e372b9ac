"""The evaluate stage: how good the trained agent is, on episodes that it never learns from.

Episodes are played in shards of `LANES` side by side, each shard by one process on one thread, so the result
is the same for any number of workers.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Gt

from irislib.agent.delta_iris import DeltaIris
from irislib.agent.delta_iris.prediction import delta_losses
from irislib.agent.load import AnyAgent, load_any_agent
from irislib.agent.segments import SegmentBatch, cut
from irislib.agent.world_model import WorldModel
from irislib.artifacts import write_json
from irislib.errors import ParamError
from irislib.params import STRICT
from irislib.playing.chance import chance
from irislib.playing.play import play_episodes
from irislib.playing.player import AgentPlayer
from irislib.runtime import workers
from irislib.shards import Compute, Shards, compute_shards
from irislib.tokenizers.context import Context, in_memory, past_of
from irislib.tokenizers.iris import perplexity
from irislib.tokenizers.reconstruction import encode_frames, reconstruction_psnr
from irislib.workdir import work_in
from irislib.worlds.score import playing_statistics, score, success_rates
from irislib.worlds.world import WorldConfig

LANES = 2  # episodes of a shard: few, so that there is work for several workers
SEGMENTS = 32  # in a batch of the world model

Episode = dict[str, np.ndarray]


@dataclass(frozen=True)
class EvaluationConfig:
    """The `evaluation` section.

    Attributes:
        episodes: whole ones.
        temperature: of the policy's softmax.
    """

    __pydantic_config__ = STRICT
    episodes: Annotated[int, Ge(1)]
    temperature: Annotated[float, Gt(0)]


def evaluate(
    config: EvaluationConfig, env: WorldConfig, seed: int, agent: Path, work: Path, out: Path
) -> None:
    """Plays whole episodes and judges the agent's components on them.

    Args:
        seed: the pipeline's; the episodes' random streams are named "evaluation" and used for nothing else.
        agent: folder of the trained agent.
        work: where finished shards are kept until all are.
        out: JSON file with what `summarize` returns, and `random` (see `chance`).

    Raises:
        ArtifactError: the agent is missing, foreign or damaged.
        ParamError: the environment does not fit the agent.
        IrislibError: a worker died, or another process makes this very file.
    """
    trained = load_any_agent(agent, torch.device("cpu")).config
    if trained.frame != env.frame:
        raise ParamError(
            f"env: frames of {env.frame}, but {agent} was trained on {trained.frame}; train again"
        )
    with work_in(work, "evaluate", asdict(config), asdict(env), seed, agent) as folder:
        shards = Shards("episode", config.episodes, LANES, folder)
        env.warm_up()  # compile before the workers would each do it
        compute_shards(shards, shards.unfinished(), workers(), "evaluate", _judge, agent, config, env, seed)
        judged = summarize(list(shards.results()), trained.tokenizer.vocab_size, env)
        write_json(out, judged | {"random": chance(config.episodes, env, seed)})


def _judge(agent: Path, config: EvaluationConfig, env: WorldConfig, seed: int) -> Compute:
    trained = load_any_agent(agent)

    def judge(episodes: range) -> Episode:
        player = AgentPlayer(trained, config.temperature)
        return judge_episodes(trained, play_episodes(player, episodes, env, seed, "evaluation"))

    return judge


@torch.no_grad()
def judge_episodes(agent: AnyAgent, episodes: Sequence[Episode]) -> Episode:
    """What `summarize` needs of some episodes.

    Returns:
        By step: reward, goal and episode as in `ROLLOUTS`, token (int16 [T,h,w]) and psnr (dB, float64). By
        batch of the world model: loss (nats, float64) and count of each kind of prediction, as "loss_rewards"
        etc.
    """
    arrays = {
        name: np.concatenate([episode[name] for episode in episodes])
        for name in ("reward", "goal", "episode")
    }
    seen = [(agent.tokenizer, e["obs"], _context(agent, e)) for e in episodes]
    arrays["token"] = np.concatenate([encode_frames(*one) for one in seen])
    arrays["psnr"] = np.concatenate([reconstruction_psnr(*one) for one in seen])
    ends = np.cumsum([len(e["reward"]) for e in episodes])[:-1]
    batches = [
        batch
        for e, token in zip(episodes, np.split(arrays["token"], ends), strict=True)
        for batch in _predict(agent, e | {"token": token})
    ]
    for name in batches[0][0]:
        arrays[f"loss_{name}"] = np.array([losses[name] for losses, _ in batches])
        arrays[f"count_{name}"] = np.array([counts[name] for _, counts in batches])
    return arrays


def _context(agent: AnyAgent, episode: Episode) -> Context | None:
    """What came before each frame of an episode, if the agent's tokenizer needs it."""
    return past_of(in_memory(episode), np.arange(len(episode["obs"])), agent.tokenizer.context_length)


def _predict(agent: AnyAgent, episode: Episode) -> Iterator[tuple[dict[str, float], dict[str, int]]]:
    """The world model's mean losses on an episode, batch by batch, each with its number of predictions."""
    if isinstance(agent, DeltaIris):
        return delta_losses(agent.world_model, episode, agent.device)
    return prediction_losses(agent.world_model, episode, agent.device)


def summarize(judged: Sequence[Episode], codes: int, env: WorldConfig) -> dict[str, Any]:
    """The evaluation as JSON values.

    Args:
        judged: see `judge_episodes`; all of them, in order.
        codes: size of the codebook.
        env: names the goals and has the score.

    Returns:
        episodes; steps; return_mean, return_std (population) and length_mean (steps); achievements (share of
        episodes that reach each goal, by name) and score (the world's own; None where it has none); psnr (dB,
        the mean over frames; None where one comes back exact); perplexity (in codes) and codes_used, of the
        frames' tokens; world_model (cross-entropies in nats, each the mean over all predictions of the next
        token, the reward's sign and the end).
    """
    played = {name: np.concatenate([arrays[name] for arrays in judged]) for name in judged[0]}
    rates = success_rates(played["goal"], played["episode"], env.describe().goals)
    decibels = float(played["psnr"].mean())
    tokens = torch.from_numpy(played["token"].astype(np.int64))
    losses = [name.removeprefix("loss_") for name in played if name.startswith("loss_")]
    return {
        "episodes": len(np.unique(played["episode"])),
        "steps": len(tokens),
        **playing_statistics(played["reward"], played["episode"]),
        "achievements": rates,
        "score": score(env.world, rates),
        "psnr": decibels if math.isfinite(decibels) else None,
        "perplexity": perplexity(tokens, codes),
        "codes_used": len(tokens.unique()),
        "world_model": {
            name: float(np.average(played[f"loss_{name}"], weights=played[f"count_{name}"]))
            for name in losses
        },
    }


def prediction_losses(
    world_model: WorldModel, episode: Episode, device: torch.device
) -> Iterator[tuple[dict[str, float], dict[str, int]]]:
    """The world model's mean losses on an episode, batch by batch, each with its number of predictions.

    Segments of `max_blocks` steps follow each other without overlap; the last is padded behind.
    """
    blocks = world_model.config.max_blocks
    segments = SegmentBatch(
        tokens=cut(episode["token"], blocks, np.int64),
        actions=cut(episode["action"], blocks, np.int64),
        rewards=cut(episode["reward"], blocks, np.float32),
        ends=cut(episode["terminated"], blocks, np.bool_),
        mask=cut(np.ones(len(episode["token"])), blocks, np.bool_),
    )
    for start in range(0, len(segments.mask), SEGMENTS):
        part = slice(start, start + SEGMENTS)
        batch = SegmentBatch(**{name: column[part] for name, column in vars(segments).items()}).to(device)
        losses = {name: float(loss) for name, loss in world_model.losses(batch).items()}
        yield losses, world_model.count_predictions(batch.mask)
