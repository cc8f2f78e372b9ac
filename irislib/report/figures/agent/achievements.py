"""Figure: which goals the agent reaches, beside published success rates."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from irislib.report.inputs import Inputs
from irislib.report.intervals import wilson
from irislib.report.published import published
from irislib.report.style import BLUE, INK, ORANGE, SMALL, Illustration, new_figure, nothing_to_show
from irislib.report.wording import number, percent, percent_range

HEADING = "What the agent achieves"
# How the published recordings are drawn, in the order of `Literature.recordings`.
_MARKS: tuple[dict[str, Any], ...] = (
    {"marker": "x", "s": 26, "color": INK, "lw": 1.2},
    {"marker": "D", "s": 20, "color": ORANGE, "lw": 0},
)


def achievements(inputs: Inputs) -> Illustration:
    """Success rate of the agent for each goal, most frequent first."""
    goals = inputs.goals
    if not goals:
        reason = "This world names no goals."
        return nothing_to_show("achievements", HEADING, HEADING, reason)
    recordings = published(inputs.world).recordings
    rates = pd.DataFrame(
        {"agent": {goal: inputs.metric(f"evaluation.achievements.{goal}") for goal in goals}}
    )
    for recording in recordings:
        rates[recording.name] = {goal: recording.rate(goal) for goal in goals}
    rates = rates.astype(float).sort_values(["agent", *rates.columns[:0:-1]], ascending=False, kind="stable")
    reached = int((rates["agent"] > 0).sum())
    episodes = int(inputs.metric("evaluation.episodes") or 0)
    ends = np.array([wilson(round(rate * episodes), episodes) for rate in rates["agent"].fillna(0)])
    title = inputs.say(
        "In {evaluation.episodes:episode} the agent reaches {reached} of {total:goal}",
        reached=reached,
        total=len(rates),
    )
    if recordings:
        better = int((ends[:, 0] > rates[recordings[0].name]).sum())
        title += (
            f"; {number(better) if better else 'none'} of them surely more often than {recordings[0].name}"
        )
    figure = new_figure(1.4 + 0.18 * len(rates), title)
    axes = figure.subplots()
    rows = np.arange(len(rates))
    axes.barh(rows, rates["agent"], height=0.62, color=BLUE, alpha=0.75, label="this agent")
    axes.hlines(rows, *ends.T, color=INK, lw=1, label="95% interval")
    for recording, look in zip(recordings, _MARKS, strict=False):
        axes.scatter(rates[recording.name], rows, zorder=3, label=recording.name, **look)
    for row, rate in enumerate(rates["agent"]):
        said = f"{percent(rate)} ({percent_range(float(f'{end:.2g}') for end in ends[row])})"
        axes.text(1.04, row, said, va="center", fontsize=SMALL, color=INK)
    axes.set_yticks(rows, [str(name).replace("_", " ") for name in rates.index])
    axes.set(xlim=(-0.015, 1.015), xlabel="share of the episodes in which the goal is reached at least once")
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylim(len(rates) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=4, columnspacing=1.0)
    caption = inputs.say(
        "Share of the agent's {evaluation.episodes:episode} in which each goal is reached, with 95% Wilson "
        "intervals"
    )
    beside = [f"{recording.episodes:,} episodes of {recording.name}" for recording in recordings]
    if beside:
        caption += f", beside {' and '.join(beside)} ({recordings[0].source})"
    return Illustration("achievements", HEADING, f"{caption}.", figure)
