"""The page on which the curves of a training are watched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from irislib.report.runs.chart import SMALL, Chart, line_chart
from irislib.report.runs.render import render
from irislib.report.wording import many, number

HEADINGS = {
    "collect": "Collected experience",
    "tokenizer": "Tokenizer",
    "world_model": "World model",
    "actor_critic": "Actor-critic",
}
UNITS = {"return": "rewards", "length": "steps", "perplexity": "codes"}
COLUMNS = ["epoch", "component", "loss", "value"]


@dataclass(frozen=True)
class Watched:
    """A training as it is now.

    Attributes:
        state: `waiting` if none is there, `running`, `ended`, or `stopped`: its work was deleted.
        name: of its work folder.
        epoch: the last epoch that has ended; 0 before the first.
        epochs: how many there will be.
        curves: in long format: epoch, component, loss, value.
        ended: when that epoch ended, seconds since 1970; None if unknown.
    """

    state: Literal["waiting", "running", "ended", "stopped"]
    name: str
    epoch: int
    epochs: int
    curves: pd.DataFrame
    ended: float | None = None


@dataclass(frozen=True)
class Series:
    """A curve as the page shows it: its name, its last value, and its chart."""

    name: str
    last: str
    chart: Chart


def long_format(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> pd.DataFrame:
    """Curves with one row for each epoch, by component, as a table: epoch, component, loss, value."""
    rows = [
        (int(row["epoch"]), component, loss, float(value))
        for component, logged in curves.items()
        for row in logged
        for loss, value in row.items()
        if loss not in ("epoch", "step")
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def live_page(watched: Watched, now: float, every: float) -> bytes:
    """The page as HTML; it loads itself again until the training has ended.

    Args:
        now: seconds since 1970.
        every: seconds after which the page loads itself again.
    """
    components = [
        (HEADINGS.get(str(name), str(name)), _series(rows))
        for name, rows in watched.curves.groupby("component", sort=False)
    ]
    return render(
        "live.html.j2",
        script="live.js",
        watched=watched,
        status=_status(watched, now),
        components=[(heading, series) for heading, series in components if series],
        every=max(1, round(every)),
    )


def _series(rows: pd.DataFrame) -> list[Series]:
    shown = []
    for loss, curve in rows.dropna(subset=["value"]).groupby("loss", sort=False):
        last = number(curve["value"].iloc[-1])
        name = str(loss).replace("_", " ")
        name += f" ({UNITS[str(loss)]})" if loss in UNITS else ""
        points = [(int(row.epoch), float(row.value)) for row in curve.itertuples()]
        first = number(points[0][1])
        told = f"{name}: {first} in epoch {points[0][0]}, {last} in epoch {points[-1][0]}"
        shown.append(Series(name, last, line_chart(points, told, whole=True, size=SMALL)))
    return shown


def _status(watched: Watched, now: float) -> str:
    done, epochs = number(watched.epoch), many(watched.epochs, "epoch")
    if watched.state == "waiting":
        text = "No training is running. One that begins is shown here as soon as its first epoch has ended."
        return text + (" Below are the curves of the agent that is there." if len(watched.curves) else "")
    if watched.state == "ended":
        return f"The training has ended after {epochs}."
    if watched.state == "stopped":
        return f"The training was given up after {done} of {epochs}: its work folder was deleted."
    if not watched.epoch:
        return f"The training is running. The first of {epochs} has not ended yet."
    return (
        f"{done} of {epochs} have ended, the last one {_ago(now - (watched.ended or now))} ago. If nothing "
        "trains any more, the training was interrupted: the command that started it continues from here."
    )


def _ago(seconds: float) -> str:
    if seconds < 120:
        return many(round(max(seconds, 0)), "second")
    return many(round(seconds / 60), "minute")
