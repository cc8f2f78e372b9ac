"""Figure: which goals the agent reaches, beside published success rates."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from irislib.report.inputs import Inputs
from irislib.report.published import published
from irislib.report.style import BLUE, GREY, INK, ORANGE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import percent

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
    title = inputs.say("The agent reaches {reached} of {total:goal}", reached=reached, total=len(rates))
    figure = new_figure(7.5, 1.6 + 0.21 * len(rates), title)
    axes = figure.subplots()
    rows = np.arange(len(rates))
    axes.barh(rows, rates["agent"], height=0.62, color=BLUE, label="this agent")
    for recording, look in zip(recordings, _MARKS, strict=False):
        axes.scatter(rates[recording.name], rows, zorder=3, label=recording.name, **look)
    for row, rate in enumerate(rates["agent"]):
        axes.text(1.03, row, percent(rate), va="center", fontsize=8.5, color=BLUE if rate else GREY)
    axes.set_yticks(rows, [str(name).replace("_", " ") for name in rates.index])
    axes.set(xlim=(-0.015, 1.14), xlabel="share of the episodes in which the goal is reached at least once")
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=3)
    caption = inputs.say("Share of the agent's {evaluation.episodes:episode} in which each goal is reached")
    beside = [f"{recording.episodes:,} episodes of {recording.name}" for recording in recordings]
    if beside:
        caption += f", beside {' and '.join(beside)} ({recordings[0].source})"
    return Illustration("achievements", HEADING, f"{caption}.", figure)
