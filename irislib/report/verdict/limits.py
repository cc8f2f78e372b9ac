"""What limits the answer: the agent, the method, what simpler codes show, and what was too rare."""

import math

import pandas as pd
from scipy import stats

from irislib.report.findings import NAMES, TOKENIZERS, Look, Measured, measured, rivalry
from irislib.report.intervals import mean_interval
from irislib.report.published import published
from irislib.report.verdict.phrases import Phrase, Statement, say
from irislib.report.wording import listed, many, number, percent

SURE = 0.95  # of the tries must find a planted code, else it proves nothing that no code is found


def about_play(look_up: Look, world: str, scripted: bool) -> Statement:
    """How good the recorded play is, beside random actions."""
    keys = ("agent.return_mean", "agent.return_std", "agent.episodes")
    mean, std, episodes = (look_up(key) or 0.0 for key in keys)
    ours = mean_interval(mean, std, episodes)
    returns = f"the recorded episodes have a mean return of {ours.shown}"
    if not ours.ranged:
        returns = f"the only recorded episode has a return of {number(mean)}"
    random = [one.returns for one in published(world).recordings if one.name == "random actions"]
    who = "A scripted player played, not the agent" if scripted else _judged(ours, random)
    beside = f"; random actions have {number(random[0])}" if random else ""
    return say(f"{who}: ", Phrase(returns, section="agent"), f"{beside}.")


def _judged(ours: Measured, random: list[float]) -> str:
    """The agent beside random actions, in words."""
    if not random:
        return "How well the agent plays decides what its codes are measured on"
    if ours.low > random[0]:
        return "The agent plays better than random actions"
    if ours.high < random[0]:
        return "The agent plays worse than random actions"
    return "The agent plays no better than random actions"


def about_attribution(table: pd.DataFrame) -> list[Statement]:
    """Whether the paper's maps tell the direction of an effect; nothing if no code was attributed."""
    rows = table[table["method"] == "gradcam"].set_index("masking")
    if "before" not in rows.index:
        return []
    own = rows.loc["before"]
    share, count = float(own["right_sign"]), int(own["occurrences"])
    if math.isnan(share):
        return []
    test = stats.binomtest(round(share * count), count)
    low, high = test.proportion_ci(method="wilson")
    good = low > 0.5
    words = "tells" if good else "does not tell"
    return [
        say(
            f"Grad-CAM, the method of the paper, {words} which way a code acts: ",
            Phrase(
                f"the sign of its map is right in {percent(share)} of {many(count, 'map')}",
                section="attributions",
            ),
            f" ({percent(low)} to {percent(high)} if the maps were independent; guessing is right in 50%).",
        )
    ]


def about_baselines(baselines: pd.DataFrame) -> list[Statement]:
    """What simpler codes show in the same frames; nothing without baselines."""
    rival = rivalry(baselines, NAMES.key)
    if rival is None:
        return []
    judged = {
        1: "No simpler codes show as much",
        0: "Simpler codes show about as much",
        -1: "Simpler codes show more",
    }[rival.verdict]
    rows = baselines[baselines["attribution"] == "position"].set_index("tokenizer")
    others = [f"{rival.best.shown} of {rival.name}"]
    untrained = TOKENIZERS["untrained"]
    if "untrained" in rows.index and rival.name != untrained:
        others.append(f"{measured(rows.loc['untrained'], NAMES.key).shown} of {untrained}")
    return [
        say(
            f"{judged} in the same frames. Judged by the patches where they stand, not by what they change, ",
            Phrase(f"{rival.ours.shown} codes are confirmed to show one thing", section="baselines"),
            f", against {listed(others)}.",
        )
    ]


def about_power(power: pd.DataFrame) -> list[Statement]:
    """Which labels no code could have been found for; nothing if that was not measured."""
    seen = power[power["label"] != "nothing"]
    if not len(seen):
        return []
    missed = seen[~(seen["named"] >= SURE)]["label"].tolist()
    if not missed:
        return [
            say(
                "Every label could have been found: ",
                Phrase("planted codes", section="power"),
                f" of all {number(len(seen))} labels were.",
            )
        ]
    one = "it" if len(missed) == 1 else "one of them"
    return [
        say(
            f"Nothing can be said of {number(len(missed))} of {many(len(seen), 'label')} "
            f"({listed(missed)}): ",
            Phrase(f"even planted codes, which show {one} and nothing else", section="power"),
            f", were found in fewer than {percent(SURE)} of the tries.",
        )
    ]
