"""What limits the answer: the agent, the method, what simpler codes show, and what was too rare."""

import math
from dataclasses import astuple, dataclass

import pandas as pd
from scipy import stats

from irislib.report.findings import NAMES, TOKENIZERS, Look, Measured, measured, rivalry
from irislib.report.intervals import mean_interval
from irislib.report.verdict.phrases import Phrase, Statement, say
from irislib.report.verdict.result import Evidence
from irislib.report.wording import listed, many, number, percent

SURE = 0.95  # of the tries must find a planted code, else it proves nothing that no code is found


@dataclass(frozen=True)
class Subject:
    """Whose play and whose codes are analysed.

    Attributes:
        scripted: the world's scripted player played what was recorded, not the agent.
        foreign: the codes are those of another tokenizer than the agent's.
        untrained: the agent was never trained.
    """

    scripted: bool
    foreign: bool
    untrained: bool


@dataclass(frozen=True)
class Returns:
    """The returns of some episodes: their mean, their standard deviation, and how many there are."""

    mean: float
    std: float
    episodes: float

    @property
    def known(self) -> Measured:
        """The mean, with its interval where there are two episodes or more."""
        return mean_interval(self.mean, self.std, self.episodes)


def limits(
    evidence: Evidence, power: pd.DataFrame, attributions: pd.DataFrame, subject: Subject
) -> list[Statement]:
    """All that limits the answer; the arguments are those of `verdict`. Raises ArtifactError."""
    return [
        *about_training(subject),
        about_play(evidence.look_up, subject.scripted),
        *about_baselines(evidence.baselines),
        *about_attribution(attributions),
        *about_power(power),
    ]


def about_training(subject: Subject) -> list[Statement]:
    """That the agent was never trained; nothing if it was, or if its play and its codes are not analysed."""
    its = [word for word, other in (("codes", subject.foreign), ("play", subject.scripted)) if not other]
    if not (subject.untrained and its):
        return []
    never = Phrase("The agent was never trained", section="agent")
    return [
        say(never, f": its {listed(its)} {'is that' if its == ['play'] else 'are those'} of random weights.")
    ]


def about_play(look_up: Look, scripted: bool) -> Statement:
    """How good the recorded play is, beside random actions."""
    keys = ("agent.return_mean", "agent.return_std", "agent.episodes")
    ours = Returns(*(look_up(key) or 0.0 for key in keys))
    keys = ("evaluation.random.return_mean", "evaluation.random.return_std", "evaluation.episodes")
    random = Returns(*(look_up(key) or 0.0 for key in keys))
    returns = f"the recorded episodes have a mean return of {ours.known.shown}"
    if not ours.known.ranged:
        returns = f"the only recorded episode has a return of {number(ours.mean)}"
    who = "A scripted player played, not the agent" if scripted else _judged(ours, random)
    beside = f"; random actions have {random.known.shown} in {many(int(random.episodes), 'episode')}."
    return say(f"{who}: ", Phrase(returns, section="agent"), beside)


def _judged(ours: Returns, random: Returns) -> str:
    """The agent beside random actions, in words: by Welch's test, for their returns differ in spread too."""
    if not (ours.known.ranged and random.known.ranged):
        return "How well the agent plays decides what its codes are measured on"
    test = stats.ttest_ind_from_stats(*astuple(ours), *astuple(random), equal_var=False)
    if not test.pvalue < 0.05:  # NaN where all returns are the same
        return "The agent is not shown to play better than random actions"
    return f"The agent plays {'better' if ours.mean > random.mean else 'worse'} than random actions"


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
    """What simpler codes show in the same frames; nothing without baselines, or where no code was tested."""
    rival = rivalry(baselines, NAMES.key)
    rows = baselines[baselines["attribution"] == "position"].set_index("tokenizer")
    if rival is None or not rows[f"{NAMES.key}_tested"].any():
        return []
    judged = {
        1: "No simpler codes show as much",
        0: "Simpler codes show about as much",
        -1: "Simpler codes show more",
    }[rival.verdict]
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
