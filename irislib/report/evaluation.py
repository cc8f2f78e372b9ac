"""How good the agent is: its evaluation beside published figures, and what it achieves."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from irislib.report.inputs import Inputs
from irislib.report.published import HUMAN, PUBLISHED, RANDOM
from irislib.report.style import BLUE, GREY, INK, ORANGE, Illustration, new_figure
from irislib.report.wording import number, percent


@dataclass(frozen=True)
class Standing:
    """A row of the comparison, in words; see `Published`."""

    name: str
    steps: str
    returns: str
    score: str
    source: str


def comparison(inputs: Inputs) -> list[Standing]:
    """This agent first, then what was published."""
    ours = Standing(
        "this agent",
        number(inputs.metric("agent.training_steps")),
        number(inputs.metric("evaluation.return_mean")),
        inputs.say("{evaluation.score}%"),
        inputs.say("{evaluation.episodes:episode}"),
    )
    others = [
        Standing(
            row.name,
            "—" if row.steps is None else number(row.steps),
            number(row.returns),
            "—" if row.score is None else f"{number(row.score)}%",
            row.source,
        )
        for row in PUBLISHED
    ]
    return [ours, *others]


def about_playing(inputs: Inputs) -> str:
    """What the comparison's first row rests on."""
    return inputs.say(
        "After training, the agent played {evaluation.episodes:episode} that it never learned from. They "
        "return {evaluation.return_mean} ± {evaluation.return_std} (mean ± standard deviation) and last "
        "{evaluation.length_mean:step} on average. The score is Crafter's: the geometric mean of the success "
        "rates of all achievements."
    )


def about_published(inputs: Inputs) -> str:
    """What must be known to compare returns."""
    return inputs.say(
        "The published returns of random actions and of human experts are those of one episode in each of "
        "five runs. Over all {random_episodes} and {human_episodes} episodes of these runs they are {random} "
        "and {human}.",
        random_episodes=RANDOM.episodes,
        human_episodes=HUMAN.episodes,
        random=RANDOM.returns,
        human=HUMAN.returns,
    )


def about_parts(inputs: Inputs) -> str:
    """How good the tokenizer and the world model are on the same episodes."""
    return inputs.say(
        "On the same episodes the tokenizer's reconstructions have a PSNR of {evaluation.psnr} dB, and it "
        "uses {evaluation.codes_used} of {codebook.size:code} with a perplexity of {evaluation.perplexity}. "
        "The world model's cross-entropy is {evaluation.world_model.observations} nats a token (guessing "
        "evenly: {even}), {evaluation.world_model.rewards} for the reward's sign and "
        "{evaluation.world_model.ends} for the episode's end.",
        even=math.log(inputs.metric("codebook.size") or math.nan),
    )


def achievements(inputs: Inputs) -> Illustration:
    """Success rates of the agent, most frequent first, beside those of random actions and human experts."""
    rates = pd.DataFrame(
        {
            "agent": {name: inputs.metric(f"evaluation.achievements.{name}") for name in HUMAN.unlocked},
            "random": {name: count / RANDOM.episodes for name, count in RANDOM.unlocked.items()},
            "human": {name: count / HUMAN.episodes for name, count in HUMAN.unlocked.items()},
        }
    ).astype(float)
    rates = rates.sort_values(["agent", "human", "random"], ascending=False, kind="stable")
    unlocked = int((rates["agent"] > 0).sum())
    title = inputs.say(
        "The agent unlocks {unlocked} of {total:achievement}, for a score of {evaluation.score}%",
        unlocked=unlocked,
        total=len(rates),
    )
    figure = new_figure(7.5, 6.2, title)
    axes = figure.subplots()
    rows = np.arange(len(rates))
    axes.barh(rows, rates["agent"], height=0.62, color=BLUE, label="this agent")
    axes.scatter(rates["random"], rows, marker="x", s=26, color=INK, lw=1.2, zorder=3, label="random actions")
    axes.scatter(rates["human"], rows, marker="D", s=20, color=ORANGE, lw=0, zorder=3, label="human experts")
    for row, rate in enumerate(rates["agent"]):
        axes.text(1.03, row, percent(rate), va="center", fontsize=8.5, color=BLUE if rate else GREY)
    axes.set_yticks(rows, [str(name).replace("_", " ") for name in rates.index])
    axes.set(xlim=(-0.015, 1.14), xlabel="episodes that unlock it at least once")
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=3)
    caption = inputs.say(
        "Share of the agent's {evaluation.episodes:episode} that unlock each achievement, beside "
        "{random_episodes:episode} of random actions and {human_episodes} of human experts (Hafner 2021).",
        random_episodes=RANDOM.episodes,
        human_episodes=HUMAN.episodes,
    )
    return Illustration("achievements", "What the agent achieves", caption, figure)
