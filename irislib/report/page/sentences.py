"""What the page is about, and what it says of the paper's own claims; every number comes from the metrics."""

import math

from irislib.report.findings import RANDOM, Measured, finding, rivalry
from irislib.report.inputs import Inputs
from irislib.report.page.differences import empty_bound
from irislib.report.published import PAPER_EMPTY_SHARE, PAPER_PAIR_SHARE
from irislib.report.wording import between, many, number, percent


def introduction(inputs: Inputs) -> str:
    """The question, before its answer."""
    height, width = inputs.rollouts.array("token").shape[1:]
    return (
        f"A world model learns to predict a game, here {inputs.game}. It sees each frame as "
        f"{number(height * width)} tokens, and each token is one of "
        f"{many(inputs.metric('codebook.size'), 'code')}. Does a code stand for something that a person can "
        "name?"
    )


def background() -> str:
    """Whose analysis the page repeats, and what it adds."""
    return (
        "Eaton, Balloch, Kim and Riedl (arXiv 2407.19532) studied the codes of IRIS, an agent with such a "
        "world model. For each code they computed maps of where in the frame it has an effect, and found "
        "little meaning. This page repeats their analysis on another agent. It adds what the simulator knows "
        "of each frame, tests whose findings must hold again in other episodes, and simpler codes to compare "
        "with (baselines)."
    )


def about_study(world: str) -> str:
    """How the study was made, before its answers.

    Args:
        world: that was played.
    """
    return (
        "A tokenizer turns frames into tokens. Here tokenizers were trained without an agent, on play of a "
        f"scripted player in {world}, and measured on other episodes. Each arm is one way to make a "
        "tokenizer. It differs in one thing from the reference, or from the arm that is named beside it. "
        "Each seed of an arm has episodes of its own. Ranges are 95% intervals over seeds, and one in twenty "
        "misses by chance. An arm with fewer than three seeds has no interval, and shows nothing yet. The "
        "folder studies/arms says what each arm is."
    )


def of_the_paper(inputs: Inputs) -> list[str]:
    """What the paper says, and what this run says of it."""
    empty = inputs.say(
        "{empty_share.present_occurrences:%} of the maps of Grad-CAM are empty if only the codes in an "
        "observation count, and {empty_share.codes_always_empty:%} of the codes have only empty maps. The "
        "paper reports {paper:%} and does not say which maps it counts.",
        paper=PAPER_EMPTY_SHARE,
    )
    return [f"{empty} {empty_bound(inputs)}".strip(), _consistent(inputs), _covered()]


def _consistent(inputs: Inputs) -> str:
    found = finding(inputs.metric, RANDOM)
    says = "The paper compares the crops of a code with random crops and calls almost no code consistent."
    if not found.tested:
        return f"{says} Here no code could be tested."
    noun = "code" if found.confirmed.value == 1 else "codes"
    return (
        f"{says} By this comparison {number(found.confirmed.value)} {noun} (range "
        f"{between(found.confirmed.low, found.confirmed.high)}) of {many(found.tested, 'tested code')} are "
        "confirmed here. It is too easy: a code that always stands at one place can pass it, whatever it "
        "shows."
    )


def _covered() -> str:
    return (
        f"The paper says that interpretable pairs of codes cover about {percent(PAPER_PAIR_SHARE)} of the "
        "observations. It does not say when a pair is interpretable, so no number here can be compared with "
        "it."
    )


def about_agreement(inputs: Inputs) -> list[str]:
    """How well code and label agree, beside place and time, and beside the best baseline."""
    value, low, high, place = (
        inputs.metric(f"world.{key}") for key in ("nmi", "nmi_low", "nmi_high", "nmi_place")
    )
    if value is None or place is None:
        return ["No map lies on the world while it is visible, so codes and labels cannot be compared."]
    agreement = Measured(value, *(math.nan if end is None else end for end in (low, high)))
    verdict = f"so the codes tell {'more' if agreement.low > place else 'no more'} than their places"
    if not agreement.ranged:
        verdict = "and a single episode does not show whether the codes tell more"
    purity = inputs.say(
        "{world.purity:%} of the maps have the most frequent label of their code; if all maps had the same "
        "code, {world.purity_base:%} would."
    )
    return [
        "The normalised mutual information (NMI) says how much a code and the label under its map tell of "
        f"each other: 0 is nothing, 1 is all. On the visible world it is {agreement.shown}. "
        f"Place and time alone give {number(place)}, {verdict}.",
        *_beside_baseline(inputs),
        purity,
    ]


_VERDICTS = {1: "more", 0: "no more", -1: "less"}


def _beside_baseline(inputs: Inputs) -> list[str]:
    """The agreement where the tokens stand, beside the best baseline; nothing if there is none."""
    rival = rivalry(inputs.baselines, "nmi")
    if rival is None:
        return []
    return [
        f"In the patches where the tokens stand, the NMI is {rival.ours.shown}. For the best baseline, "
        f"{rival.name}, it is {rival.best.shown}, so the analysed codes tell {_VERDICTS[rival.verdict]}."
    ]
