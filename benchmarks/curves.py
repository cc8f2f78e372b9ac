"""Whether irislib learns the same as the official code: losses on the same batches from the same weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from benchmarks.learning import Match
from benchmarks.official_weights import OFFICIAL
from irislib.report.style import BLUE, GREY, ORANGE, new_figure, publication
from irislib.runtime import progress
from irislib.seeding import stream

# Without dropout, whose draws differ.
SIZES = replace(OFFICIAL, world_model=replace(OFFICIAL.world_model, dropout=0.0))
LENGTHS = {"tokenizer": 1, "world_model": SIZES.world_model.max_blocks}
UNITS = {"tokenizer": "frames", "world_model": "sequences"}
LOOKS: dict[str, dict[str, Any]] = {
    "official": {"color": GREY, "lw": 4.5, "alpha": 0.6},
    "irislib, float32": {"color": BLUE, "lw": 1.6},
    "irislib, bfloat16": {"color": ORANGE, "lw": 1.6, "ls": "--"},
}


def compare_curves(match: Match, steps: int, figure: Path) -> None:
    """Prints the losses at some steps and how far irislib's are from the official ones; draws all."""
    curves = {component: _curves(match, component, steps) for component in LENGTHS}
    names = list(LOOKS)
    click.echo(f"\n| loss | batch | step | {' | '.join(names)} |\n| --- | --- | --: |{' --: |' * len(names)}")
    for component, losses in curves.items():
        batch = f"{getattr(match.batches, component)} {UNITS[component]}"
        work = f"{_words(component)} | {batch}"
        for step in np.unique(np.linspace(1, steps, 5).astype(int)):
            values = " | ".join(f"{losses[name][step]:.5f}" for name in names)
            click.echo(f"| {work} | {step} | {values} |")
        apart = losses.sub(losses["official"], axis=0).abs().div(losses["official"], axis=0).max()
        shares = " | ".join(f"{apart[name]:.1e}" for name in names[1:])
        click.echo(f"| {work} | largest relative difference | | {shares} |")
    _draw(curves, figure)


def _curves(match: Match, component: str, steps: int) -> pd.DataFrame:
    """Losses by contestant and step, from 1."""
    official, ours = match.contestants(SIZES)
    objectives = {name: our.objective(component) for name, our in ours.items()}
    rng = stream(0, "benchmark", component)
    losses = []
    for _ in progress(range(steps), desc=f"{component} curves", unit="step"):
        rows = match.replay.sample(
            rng, getattr(match.batches, component), LENGTHS[component], end_inside=False
        )
        loss = {"official": official.step(component, official.batch(match.replay, rows))}
        loss |= {name: our.step(component, objectives[name], rows) for name, our in ours.items()}
        losses.append(loss)
    return pd.DataFrame(losses, index=range(1, steps + 1))


def _draw(curves: dict[str, pd.DataFrame], path: Path) -> None:
    with publication():
        figure = new_figure(3.2, "From the same weights, on the same batches: the same losses")
        panels = figure.subplots(1, len(curves))
        for axes, (component, losses) in zip(panels, curves.items(), strict=True):
            for name, look in LOOKS.items():
                axes.plot(losses.index, losses[name], label=name, **look)
            axes.set(title=_words(component), xlabel="gradient step", ylabel="loss")
        panels[-1].legend()
        figure.savefig(path, dpi=120)


def _words(component: str) -> str:
    return component.replace("_", " ")
