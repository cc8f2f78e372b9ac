"""Two ways to predict frames, token by token and a frame at once: what each costs, how well it predicts.

python -m benchmarks.world_model prints tables for benchmarks/README.md. The world model has the sizes of
params.yaml; the tokenizers are IRIS's of params.yaml (16 tokens a frame) and that of the arm patch-7 (81).
All runs on one thread.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import process_time
from typing import Literal, get_args

import click
import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.nn import functional as F

from benchmarks.timing import describe_machine, ratio, time_in_turn
from irislib.agent.config import AgentConfig, TrainConfig
from irislib.agent.continuation import continue_from
from irislib.agent.dropout import dropout_from
from irislib.agent.segments import SegmentBatch
from irislib.agent.world_model import WorldModel
from irislib.device import one_thread
from irislib.params import parse_section, read_yaml
from irislib.playing.play import play_episodes
from irislib.runtime import progress
from irislib.seeding import stream, stream_seed
from irislib.study.overlays import overlaid
from irislib.tokenizers.reconstruction import encode_frames
from irislib.training.sampling import Sampler
from irislib.training.tokenizer_alone import train_tokenizer
from irislib.training.trainer import decay_groups
from irislib.worlds.crafter.game import CrafterConfig
from irislib.worlds.scripted import scripted_player

Way = Literal["token", "frame"]
WAYS: tuple[Way, ...] = get_args(Way)
ACTIONS, CPU, PARAMS, ARM = 17, torch.device("cpu"), Path("params.yaml"), Path("studies/arms/patch-7.yaml")
HELD_OUT, TOKENIZER_STEPS = 4, 1000  # episodes; gradient steps of 16 frames


def train_config(patches: bool, blocks: int) -> TrainConfig:
    """The section `train` of params.yaml with so many blocks, and with the arm's tokenizer if asked for."""
    overlay = {"train": read_yaml(ARM)["train"]} if patches else {}
    config = parse_section(overlaid(read_yaml(PARAMS), overlay), "train", TrainConfig)
    return replace(config, world_model=replace(config.world_model, max_blocks=blocks))


def make_model(config: TrainConfig, way: Way, dropout: float) -> WorldModel:
    """A new world model that predicts in this way; its weights are the same for both."""
    model = replace(config.world_model, predicts=way, dropout=dropout)
    torch.manual_seed(0)
    return WorldModel(AgentConfig((64, 64), ACTIONS, config.tokenizer, model, config.actor_critic)).train()


@dataclass(frozen=True)
class Play:
    """Episodes one behind the other: tokens int64 [N,h*w], actions int64 [N], and where episodes begin."""

    tokens: Int64[Tensor, "n tokens"]
    actions: Int64[Tensor, " n"]
    starts: list[int]

    def segments(self, length: int) -> list[int]:
        """First steps of all segments of so many steps that follow each other inside episodes."""
        stops = [*self.starts[1:], len(self.actions)]
        return [
            step
            for start, stop in zip(self.starts, stops, strict=True)
            for step in range(start, stop - length + 1, length)
        ]

    def batch(self, first: list[int] | np.ndarray, length: int) -> SegmentBatch:
        """The segments of so many steps that begin at these; their rewards and ends are left out."""
        rows = torch.tensor(np.asarray(first)[:, None] + np.arange(length))
        mask = torch.ones(rows.shape, dtype=torch.bool)
        side = int(self.tokens.shape[1] ** 0.5)
        tokens = self.tokens[rows].unflatten(2, (side, side))
        return SegmentBatch(tokens, self.actions[rows], torch.zeros(rows.shape), ~mask, mask)


def random_play(tokens: int, codes: int, steps: int) -> Play:
    """Noise, which costs what anything costs."""
    rng = stream(0, "benchmark", "noise")
    drawn = rng.integers(codes, size=(steps, tokens))
    return Play(torch.from_numpy(drawn), torch.from_numpy(rng.integers(ACTIONS, size=steps)), [0])


def gradient_step(model: WorldModel, batch: SegmentBatch) -> float:
    """Forward and backward pass, with the dropout that training has."""
    model.zero_grad()
    with dropout_from(torch.Generator().manual_seed(0)):
        torch.stack(list(model.losses(batch).values())).sum().backward()
    return 1


def imagined_steps(model: WorldModel, batch: SegmentBatch, horizon: int) -> float:
    """Steps of the world model alone, without the decoder and the policy."""
    rows = len(batch.actions)
    sample = Sampler(0, rows, slice(0, rows), CPU)
    sequence = continue_from(model.eval(), batch.tokens[:, 0].flatten(1))
    for step in range(horizon):
        sequence.act(batch.actions[:, step])
        if step + 1 < horizon:
            sequence.draw(sample)
    model.train()
    return horizon


def compare_costs(rounds: int, blocks: int, dropout: float) -> None:
    """Prints processor seconds of both ways, and how many times as fast a frame at once is."""
    click.echo("| work | tokens a frame | token by token, s | frame at once, s | times as fast |")
    click.echo("| --- | --: | --: | --: | --: |")
    for patches in (False, True):
        config = train_config(patches, blocks)
        models = {way: make_model(config, way, dropout) for way in WAYS}
        tokens = models["token"].tokens_per_block - 1
        play = random_play(tokens, config.tokenizer.vocab_size, 16 * blocks)
        works: dict[str, Callable[[WorldModel], float]] = {
            f"gradient step, 4 sequences of {blocks} steps": partial(
                gradient_step, batch=play.batch(play.segments(blocks)[:4], blocks)
            ),
            "imagined step, 8 trajectories": partial(
                imagined_steps, batch=play.batch(play.segments(blocks)[:8], blocks), horizon=blocks
            ),
        }
        for name, work in works.items():
            runs = {str(way): partial(work, model) for way, model in models.items()}
            seconds = time_in_turn(runs, rounds, CPU, process_time)
            token, frame = (float(np.median(seconds[way])) for way in ("token", "frame"))
            times = ratio(seconds["token"], seconds["frame"])
            click.echo(f"| {name} | {tokens} | {token:.4f} | {frame:.4f} | {times} |")


def record(config: TrainConfig, episodes: int) -> tuple[Play, Play]:
    """The scripted player's play as tokens of a tokenizer that learned from it, and held-out play."""
    env = CrafterConfig(length=1000)
    played = play_episodes(scripted_player(env), range(episodes + HELD_OUT), env, 0, "benchmark")
    frames = np.concatenate([episode["obs"] for episode in played[:episodes]])
    tokenizer = train_tokenizer(config.tokenizer, frames, TOKENIZER_STEPS, 16, 0.001, 0).tokenizer

    def as_tokens(some: list[dict[str, np.ndarray]]) -> Play:
        lengths = [len(episode["action"]) for episode in some]
        encoded = encode_frames(tokenizer, np.concatenate([episode["obs"] for episode in some]))
        actions = np.concatenate([episode["action"] for episode in some])
        return Play(
            torch.from_numpy(encoded.astype(np.int64)).flatten(1),
            torch.from_numpy(actions.astype(np.int64)),
            [0, *np.cumsum(lengths[:-1]).tolist()],
        )

    return as_tokens(played[:episodes]), as_tokens(played[episodes:])


@torch.no_grad()
def nats_per_frame(model: WorldModel, play: Play, segments: int) -> float:
    """Cross-entropy of a frame given at least one before it: summed over its tokens, mean over frames."""
    length = model.config.max_blocks
    first = play.segments(length)
    chosen = [first[i * len(first) // segments] for i in range(min(segments, len(first)))]
    total, frames = 0.0, 0
    model.eval()
    for start in range(0, len(chosen), 4):
        batch = play.batch(chosen[start : start + 4], length)
        tokens = batch.tokens.flatten(2)
        out = model(torch.cat([tokens, batch.actions[..., None]], dim=2).flatten(1)).observations
        behind = tokens.shape[2] - model.lookahead  # outputs that foretell tokens of the first frame
        logits, labels = out[:, behind : -model.lookahead].flatten(0, 1), tokens[:, 1:].flatten()
        total += float(F.cross_entropy(logits, labels, reduction="sum"))
        frames += tokens[:, 1:, 0].numel()
    model.train()
    return total / frames


def compare_losses(episodes: int, steps: int, batch_size: int, blocks: int, dropout: float) -> None:
    """Prints the held-out loss of both ways after equal numbers of gradient steps on the same segments."""
    config = train_config(True, blocks)
    fit = config.fit.world_model
    play, held_out = record(config, episodes)
    models = {way: make_model(config, way, dropout) for way in WAYS}
    optimizers = {
        way: torch.optim.AdamW(decay_groups(model, fit.weight_decay), fit.learning_rate, fused=True)
        for way, model in models.items()
    }
    generator = torch.Generator().manual_seed(stream_seed(0, "benchmark", "dropout"))
    rng, inside = stream(0, "benchmark", "segments"), play.segments(blocks)
    click.echo(f"\n{len(play.actions)} steps to learn from, {len(held_out.actions)} held out")
    heads = " | ".join(f"{way}: nats a frame | nats a token | processor s" for way in WAYS)
    click.echo(f"| gradient steps of {batch_size} sequences of {blocks} steps | {heads} |")
    click.echo(f"| --: |{' --: | --: | --: |' * len(WAYS)}")
    spent = dict.fromkeys(WAYS, 0.0)
    for step in progress(range(1, steps + 1), desc="world models", unit="batch"):
        batch = play.batch(rng.choice(inside, batch_size), blocks)
        for way, model in models.items():
            start = process_time()
            optimizers[way].zero_grad()
            with dropout_from(generator):
                model.losses(batch)["observations"].backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), fit.max_grad_norm)
            optimizers[way].step()
            spent[way] += process_time() - start
        if step % max(1, steps // 6) == 0 or step == steps:
            cells = []
            for way, model in models.items():
                nats = nats_per_frame(model, held_out, 32)
                cells.append(f"{nats:.1f} | {nats / play.tokens.shape[1]:.3f} | {spent[way]:.0f}")
            click.echo(f"| {step} | {' | '.join(cells)} |")


@click.command()
@click.option("--only", type=click.Choice(["costs", "losses"]), multiple=True, help="A part; all by default.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Turns of each way.")
@click.option("--episodes", type=click.IntRange(1), default=8, show_default=True, help="To learn from.")
@click.option("--steps", type=click.IntRange(1), default=300, show_default=True, help="Gradient steps.")
@click.option("--batch", type=click.IntRange(1), default=4, show_default=True, help="Sequences of a step.")
@click.option("--blocks", type=click.IntRange(2), default=10, show_default=True, help="Steps of a sequence.")
@click.option("--dropout", type=click.FloatRange(0, 0.9), default=0.0, show_default=True)
def main(
    only: tuple[str, ...], rounds: int, episodes: int, steps: int, batch: int, blocks: int, dropout: float
) -> None:
    """Compares the two ways within one run, in which they take turns; seconds are the processor's."""
    with one_thread():
        click.echo(f"{describe_machine(CPU)}; dropout {dropout}\n")
        if not only or "costs" in only:
            compare_costs(rounds, blocks, dropout)
        if not only or "losses" in only:
            compare_losses(episodes, steps, batch, blocks, dropout)


if __name__ == "__main__":
    main()
