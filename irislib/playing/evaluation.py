"""How good the trained agent is: episodes that it never learns from, and each part's quality on them."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from irislib.agent.agent import Agent
from irislib.agent.config import EvaluationConfig
from irislib.agent.segments import SegmentBatch
from irislib.agent.world_model import WorldModel
from irislib.playing.play import play_episodes
from irislib.playing.player import AgentPlayer
from irislib.runtime import progress
from irislib.tokenizers.iris import perplexity
from irislib.tokenizers.reconstruction import encode_frames, reconstruction_psnr
from irislib.worlds.score import playing_statistics, score, success_rates
from irislib.worlds.world import WorldConfig

LANES = 8  # episodes played side by side, whose frames are in memory together
SEGMENTS = 32  # in a batch of the world model

Episode = dict[str, np.ndarray]


@torch.no_grad()
def evaluate(agent: Agent, config: EvaluationConfig, env: WorldConfig, seed: int) -> dict[str, Any]:
    """Plays whole episodes and judges the agent's parts on them.

    Args:
        agent: on any device; left in evaluation mode. Under several ranks, every one must call this with
            the same agent: the world model's losses are shared among them.
        seed: the pipeline's; the episodes' random streams are named "evaluation" and used for nothing else.

    Returns:
        JSON values: episodes; steps; return_mean, return_std (population) and length_mean (steps);
        achievements (share of episodes that reach each goal, by name) and score (the world's own; None
        where it has none);
        psnr (dB, the mean over frames; None where one comes back exact); perplexity (in codes) and
        codes_used, of the frames' tokens; world_model (cross-entropies in nats, each the mean over
        all predictions of the next token, the reward's sign and the end).
    """
    agent.eval()
    player = AgentPlayer(agent, config.temperature)
    kept: list[Episode] = []
    quality: list[np.ndarray] = []
    predictions: list[tuple[dict[str, float], dict[str, int]]] = []
    with progress(desc="evaluation", total=config.episodes, unit="episode") as bar:
        for start in range(0, config.episodes, LANES):
            shard = range(start, min(start + LANES, config.episodes))
            for episode in play_episodes(player, shard, env, seed, "evaluation"):
                episode["token"] = encode_frames(agent.tokenizer, episode["obs"])
                quality.append(reconstruction_psnr(agent.tokenizer, episode["obs"]))
                predictions += prediction_losses(agent.world_model, episode, agent.device)
                kept.append({name: episode[name] for name in ("reward", "goal", "episode", "token")})
            bar.update(len(shard))
    played = {name: np.concatenate([episode[name] for episode in kept]) for name in kept[0]}
    rates = success_rates(played["goal"], played["episode"], env.describe().goals)
    decibels = float(np.concatenate(quality).mean())
    tokens = torch.from_numpy(played["token"].astype(np.int64))
    return {
        "episodes": config.episodes,
        "steps": len(tokens),
        **playing_statistics(played["reward"], played["episode"]),
        "achievements": rates,
        "score": score(env.world, rates),
        "psnr": decibels if math.isfinite(decibels) else None,
        "perplexity": perplexity(tokens, agent.config.tokenizer.vocab_size),
        "codes_used": len(tokens.unique()),
        "world_model": {
            name: float(
                np.average([loss[name] for loss, _ in predictions], weights=[n[name] for _, n in predictions])
            )
            for name in predictions[0][0]
        },
    }


def prediction_losses(
    world_model: WorldModel, episode: Episode, device: torch.device
) -> Iterator[tuple[dict[str, float], dict[str, int]]]:
    """The world model's losses on an episode, batch by batch, each with the number of predictions behind it.

    Segments of `max_blocks` steps follow each other without overlap; the last is padded behind.
    """
    blocks = world_model.config.max_blocks
    steps = len(episode["token"])
    missing = -steps % blocks

    def cut(column: np.ndarray, dtype: type) -> torch.Tensor:
        padded: np.ndarray = np.pad(column.astype(dtype), [(0, missing)] + [(0, 0)] * (column.ndim - 1))
        return torch.from_numpy(padded.reshape(-1, blocks, *column.shape[1:]))

    segments = SegmentBatch(
        tokens=cut(episode["token"], np.int64),
        actions=cut(episode["action"], np.int64),
        rewards=cut(episode["reward"], np.float32),
        ends=cut(episode["terminated"], np.bool_),
        mask=cut(np.ones(steps), np.bool_),
    )
    for start in range(0, len(segments.mask), SEGMENTS):
        part = slice(start, start + SEGMENTS)
        batch = SegmentBatch(**{name: column[part] for name, column in vars(segments).items()}).to(device)
        losses = {name: float(loss) for name, loss in world_model.losses(batch).items()}
        inside = int(batch.mask.sum())
        # Nothing comes before a segment's first token that it could be predicted from.
        tokens = inside * batch.tokens[0, 0].numel() - len(batch.mask)
        yield losses, {"observations": tokens, "rewards": inside, "ends": inside}
