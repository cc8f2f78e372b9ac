"""How much faster irislib learns than the official code, on the same frames."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal

import click
import numpy as np
import torch

from benchmarks.contestants import Batches, Official, Ours, collect_frames, paper_config
from benchmarks.official import OfficialModules
from benchmarks.official_weights import OFFICIAL
from benchmarks.timing import ratio, time_in_turn
from irislib.agent.config import AgentConfig
from irislib.training.encoded import BLOCK

PRECISIONS: tuple[Literal["float32", "bfloat16"], ...] = ("float32", "bfloat16")


class Match:
    """The official code against irislib at each precision, over the same frames.

    Args:
        folder: for the frames.
        rounds: in which all take a turn.

    Attributes:
        last: row from which the frames at the end fill one batch of the world model.
    """

    def __init__(
        self, modules: OfficialModules, batches: Batches, device: torch.device, folder: Path, rounds: int
    ) -> None:
        self.modules, self.batches, self.device, self.rounds = modules, batches, device, rounds
        self.folder, self.config = folder, paper_config(batches)
        blocks, burn_in = OFFICIAL.world_model.max_blocks, self.config.fit.actor_critic.burn_in
        sequences, most = batches.world_model * blocks, batches.actor_critic * (burn_in + 1)
        # Frames are encoded by blocks: where one begins, so that just these frames are.
        self.last = -(-max(1000, batches.tokenizer, most) // BLOCK) * BLOCK
        self.replay = collect_frames(folder, self.last + sequences)

    def contestants(self, sizes: AgentConfig = OFFICIAL) -> tuple[Official, dict[str, Ours]]:
        """The official agent, new, and irislib's by name, with the same weights."""
        official = Official(self.modules, sizes, self.config, self.device)
        weights = official.agent.state_dict()
        configs = {f"irislib, {p}": replace(self.config, precision=p) for p in PRECISIONS}
        return official, {
            name: Ours.over(self.folder, weights, sizes, config, self.device)
            for name, config in configs.items()
        }

    def race(self, title: str, runs: Mapping[str, Callable[[], object]]) -> None:
        """Prints a row: seconds of the first, and how many times as fast the others are."""
        seconds = time_in_turn(
            {name: partial(_one_unit, run) for name, run in runs.items()}, self.rounds, self.device
        )
        baseline, *others = seconds.values()
        ratios = " | ".join(ratio(baseline, other) for other in others)
        click.echo(f"| {title} | {np.median(baseline):.3g} | {ratios} |")


def print_head() -> None:
    """Of the table whose rows the races print."""
    ours = " | ".join(f"irislib in {precision}, times as fast" for precision in PRECISIONS)
    click.echo(f"\n| work | official, s | {ours} |\n| --- |{' --: |' * (1 + len(PRECISIONS))}")


def race_imagination(match: Match) -> None:
    """Imagining trajectories, and the policy's gradient steps on them, without and with burn-in."""
    official, ours = match.contestants()
    fit = match.config.fit.actor_critic
    rows = _segments(fit.batch_size, 1)
    size = f"{fit.batch_size} trajectories of {fit.horizon} steps"
    match.race(
        f"imagination, {size}",
        {
            "official": partial(official.imagine, official.batch(match.replay, rows)),
            **{name: partial(our.imagine, rows) for name, our in ours.items()},
        },
    )
    _race_steps(match, "actor_critic", f"policy's gradient step, {size}", rows, official, ours)
    rows = _segments(fit.batch_size, fit.burn_in + 1)
    title = f"policy's gradient step, {size}, {fit.burn_in} frames of burn-in"
    _race_steps(match, "actor_critic", title, rows, official, ours)


def race_tokenizer(match: Match) -> None:
    """Gradient steps of the tokenizer."""
    size = match.batches.tokenizer
    title = f"tokenizer's gradient step, {size} frames"
    _race_steps(match, "tokenizer", title, _segments(size, 1), *match.contestants())


def race_world_model(match: Match) -> None:
    """Gradient steps of the world model, on frames that were encoded before in the epoch and on new ones."""
    official, ours = match.contestants()
    size, blocks = match.batches.world_model, OFFICIAL.world_model.max_blocks
    rows = match.last + _segments(size, blocks)
    title = f"world model's gradient step, {size} sequences of {blocks} frames"
    _race_steps(match, "world_model", f"{title}, their tokens known", rows, official, ours)
    epochs = count(2)  # each forgets the tokens of the one before

    def first_visit(our: Ours) -> None:
        our.step("world_model", our.objective("world_model", next(epochs)), rows)

    match.race(
        f"{title}, their tokens unknown",
        {
            "official": partial(official.step, "world_model", official.batch(match.replay, rows)),
            **{name: partial(first_visit, our) for name, our in ours.items()},
        },
    )


def _race_steps(
    match: Match, component: str, title: str, rows: np.ndarray, official: Official, ours: dict[str, Ours]
) -> None:
    match.race(
        title,
        {
            "official": partial(official.step, component, official.batch(match.replay, rows)),
            **{
                name: partial(our.step, component, our.objective(component), rows)
                for name, our in ours.items()
            },
        },
    )


def _segments(batch: int, length: int) -> np.ndarray:
    """Rows int64 [batch,length] of segments without a step in common."""
    return np.arange(batch * length).reshape(batch, length)


def _one_unit(run: Callable[[], object]) -> float:
    run()
    return 1.0
