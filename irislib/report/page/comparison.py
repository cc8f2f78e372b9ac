"""How good the agent is: its evaluation beside published agents."""

import math
from dataclasses import dataclass

from irislib.report.inputs import Inputs
from irislib.report.published import published
from irislib.report.wording import number


@dataclass(frozen=True)
class Standing:
    """A row of the comparison as text; see `Published`."""

    name: str
    steps: str
    returns: str
    score: str
    source: str


def comparison(inputs: Inputs) -> list[Standing]:
    """This agent first, then random actions in the same episodes, then what was published."""
    episodes = inputs.say("{evaluation.episodes:episode}")
    known = inputs.trained_here or inputs.untrained
    ours = Standing(
        "this agent",
        number(inputs.metric("agent.training_steps")) if known else "not known",
        number(inputs.metric("evaluation.return_mean")),
        _score(inputs.metric("evaluation.score")),
        episodes,
    )
    returns = number(inputs.metric("evaluation.random.return_mean"))
    random = Standing("random actions, in the same episodes", "0", returns, "—", episodes)
    others = [
        Standing(
            row.name,
            "—" if row.steps is None else number(row.steps),
            number(row.returns),
            _score(row.score),
            row.source,
        )
        for row in published(inputs.world).agents
    ]
    return [ours, random, *others]


def _score(value: float | None) -> str:
    return "—" if value is None else f"{number(value)}%"


def about_agent(inputs: Inputs) -> list[str]:
    """Paragraphs below the comparison."""
    return [about for about in (published(inputs.world).about, _about_parts(inputs)) if about]


def about_playing(inputs: Inputs) -> str:
    """The episodes behind the first row of the comparison."""
    when = "After training, the" if inputs.trained_here else "The"
    return inputs.say(
        f"{when} agent played {{evaluation.episodes:episode}} that were not used for training. "
        "Their return is {evaluation.return_mean} ± {evaluation.return_std} (mean ± standard deviation), and "
        "they last {evaluation.length_mean:step} on average."
    )


def _about_parts(inputs: Inputs) -> str:
    """How good the agent's tokenizer and world model are on the same episodes."""
    text = (
        "On the same episodes the reconstructions of the agent's tokenizer have a PSNR of {evaluation.psnr} "
        "dB. The tokenizer uses {evaluation.codes_used:code} with a perplexity of {evaluation.perplexity}. "
        "The cross-entropy of the world model is {evaluation.world_model.observations} nats for a token"
    )
    if not inputs.foreign_tokenizer:  # else the metrics know another codebook than the world model
        text += " (uniform guessing: {even})"
    text += (
        ", {evaluation.world_model.rewards} nats for the sign of the reward and "
        "{evaluation.world_model.ends} nats for the end of the episode."
    )
    return inputs.say(text, even=math.log(inputs.metric("codebook.size") or math.nan))
