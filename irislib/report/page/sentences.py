"""What the page is about, and what it says of the paper's own claims; every number comes from the metrics."""

from irislib.report.findings import RANDOM, finding
from irislib.report.inputs import Inputs
from irislib.report.page.differences import empty_bound
from irislib.report.published import PAPER_EMPTY_SHARE, PAPER_PAIR_SHARE
from irislib.report.wording import between, many, number, percent


def introduction(inputs: Inputs) -> str:
    """What the page is about."""
    return (
        f"A world model such as IRIS learns to predict a game ({inputs.world.capitalize()} here) and sees it "
        "through a codebook: a tokenizer turns every frame into a small grid of discrete codes. Eaton, "
        "Balloch, Kim and Riedl (arXiv 2407.19532) computed for each code a heatmap that shows where in the "
        "frame the code has an effect, and found little meaning. This page repeats their analysis on an "
        "agent of our own, and adds the simulator's ground truth, tests that must hold again, and baselines."
    )


def of_the_paper(inputs: Inputs) -> list[str]:
    """What the paper says, and what this run says of it."""
    empty = inputs.say(
        "{empty_share.present_occurrences:%} of the heatmaps of Grad-CAM are empty if only codes that are in "
        "the observation count, and {empty_share.codes_always_empty:%} of the codes have no other map. The "
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
        "confirmed here; a code that always stands at one place passes it whatever it shows."
    )


def _covered() -> str:
    return (
        f"The paper says that interpretable pairs of codes cover about {percent(PAPER_PAIR_SHARE)} of the "
        "observations, and does not define them exactly. No number here has the same definition."
    )
