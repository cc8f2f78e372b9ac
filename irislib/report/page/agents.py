"""The table of whole agents: what a tokenizer does to the world model and to the return."""

import math

import pandas as pd

from irislib.report.page.result_tables import Table
from irislib.report.published import published
from irislib.report.wording import listed, number

REFERENCE = "default"  # the agent of params.yaml as it is
APART = 2  # standard errors from which on a difference counts
RANDOM = "random actions"


def agents_table(agents: pd.DataFrame, world: str) -> Table:
    """A row for each whole agent of the study.

    Args:
        agents: the table agents.csv; may have no rows.
        world: that they play in.
    """
    header = ["profile", "seed", "tokens a frame", "codes", "PSNR, dB", "world model, nats a frame"]
    header += ["return", "score"]
    rows = [
        [
            str(row.agent),
            number(row.seed),
            number(row.tokens_per_frame),
            number(row.codes),
            number(row.psnr_db),
            number(row.frame_nats),
            f"{number(row.return_mean)} ± {number(_error(row.return_std, row.episodes), 2)}",
            "—" if pd.isna(row.score) else f"{number(row.score)}%",
        ]
        for row in agents.itertuples()
    ]
    about = (
        "An agent learns in its world model, which predicts tokens. Each agent was trained from "
        "nothing with the parameters of a profile, for as many steps of the world as the others, and then "
        "played episodes that it did not learn from. The world model's loss is summed over the tokens of "
        "a frame. Tokens that tell more of a frame are harder to predict, so read it beside the PSNR. After "
        "the return stands its standard error over the episodes. "
    )
    return Table("agents", "What do such codes cost an agent?", about + _verdict(agents, world), header, rows)


def _error(std: float, episodes: int) -> float:
    """The standard error of a mean over episodes."""
    return std / math.sqrt(episodes)


def _verdict(table: pd.DataFrame, world: str) -> str:
    """How the return of each agent differs from that of the default one with the same seed."""
    said = []
    for row in table[table["agent"] != REFERENCE].itertuples():
        for other in table[(table["agent"] == REFERENCE) & (table["seed"] == row.seed)].itertuples():
            change = row.return_mean - other.return_mean
            error = APART * math.hypot(
                _error(row.return_std, row.episodes), _error(other.return_std, other.episodes)
            )
            words = "higher" if change > 0 else "lower"
            shown = f"{number(abs(change), 2)} {words} than that of {REFERENCE} with seed {row.seed}"
            if abs(change) <= error:
                shown += f" ({APART} standard errors of the difference are {number(error, 2)})"
            said.append(f"the return of {row.agent} is {shown}")
    if not said:
        return ""
    random = [one for one in published(world).recordings if one.name == RANDOM]
    scale = [f" Random actions have a return of {number(one.returns)}." for one in random]
    return "".join([f"Here {listed(said)}.", *scale])
