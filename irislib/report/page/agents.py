"""The table of whole agents: whether they learned, and what a tokenizer does to world model and return."""

import pandas as pd

from irislib.report.findings import Measured
from irislib.report.page.result_tables import Table
from irislib.report.study.answers import beyond
from irislib.report.study.whole_agents import WholeAgents, difference, lead, returns
from irislib.report.wording import many, number, sentence
from irislib.worlds.names import world_name

HEADER = [
    *("world, profile", "seeds", "tokens a frame", "codes used", "PSNR, dB", "world model, nats a frame"),
    *("return", "random actions", "score"),
]
ABOUT = (
    "An agent learns in its world model, and that predicts tokens. Each agent was trained from nothing with "
    "the parameters of a profile, for as many steps of the world as the others of its world, and then played "
    "episodes that it did not learn from. The world model's loss is summed over the tokens of a frame. "
    "Tokens that tell more of a frame are harder to predict, so read it beside the PSNR. Numbers are means "
    "over seeds. The range of a return is its 95% interval over seeds; with a single seed, over its "
    "episodes. Random actions were played in the same episodes. "
)


def agents_table(agents: WholeAgents) -> Table:
    """A row for each whole agent of the study, and what they show in words."""
    rows = [_row(world, agent, of) for world, agent, of in agents.each()]
    return Table("agents", "What do such codes cost an agent?", ABOUT + _told(agents), HEADER, rows)


def _row(world: str, agent: str, rows: pd.DataFrame) -> list[str]:
    means = rows.drop(columns=["world", "agent"]).astype(float).mean()
    return [
        f"{world_name(world)}, {agent}",
        number(len(rows)),
        number(means["tokens_per_frame"]),
        f"{number(means['codes_used'])} of {number(means['codes'])}",
        number(means["psnr_db"]),
        number(means["frame_nats"]),
        returns(rows).shown,
        number(means["random_mean"]),
        "—" if pd.isna(means["score"]) else f"{number(means['score'])}%",
    ]


def _told(agents: WholeAgents) -> str:
    """For each agent: whether it plays better than random actions, and than the one it is compared with."""
    said = []
    found = {(world, agent): rows for world, agent, rows in agents.each()}
    for (world, agent), rows in found.items():
        told = f"in {world_name(world)} the agent {agent} ({many(len(rows), 'seed')}) "
        told += _judged(lead(rows), "random actions")
        first = agents.reference(world)
        others = found.get((world, first))
        apart = None if others is None or agent == first else difference(rows, others)
        if apart is not None:
            told += f", and {_judged(apart, f'the agent {first}')}"
        said.append(f"{sentence(told)}.")
    return " ".join(said)


def _judged(change: Measured, other: str) -> str:
    """How a return compares with another one."""
    ends = f"{number(change.low, 2)} to {number(change.high, 2)}"
    words = "plays better than" if change.value > 0 else "plays worse than"
    if not beyond(change):
        words = "is not shown to play better or worse than"
    return f"{words} {other} (difference of the returns {number(change.value, 2)}, {ends})"
