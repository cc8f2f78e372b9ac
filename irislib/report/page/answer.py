"""The first paragraph of the page: the answer, with ranges and baselines beside each number."""

from irislib.report.findings import (
    CONSISTENCY,
    HEADLINES,
    NAMES,
    PAIRS,
    Family,
    Finding,
    Measured,
    by_label,
    finding,
    rivalry,
)
from irislib.report.inputs import Inputs
from irislib.report.verdict import verdict
from irislib.report.wording import between, many, number, percent, sentence

_VERDICTS = {1: "more", 0: "no more", -1: "less"}


def answer(inputs: Inputs) -> str:
    """Whether the codes mean anything, in a paragraph that can be read aloud."""
    texts = [verdict(inputs.metric, inputs.baselines), _how(inputs)]
    texts += [about_family(inputs, family) for family in HEADLINES]
    return " ".join([*texts, about_agreement(inputs)])


def _how(inputs: Inputs) -> str:
    """How to read the numbers of the paragraph."""
    text = (
        "Each finding was selected on one half of the episodes and confirmed on the other half; the numbers "
        "are means over divisions of the episodes, with the range that holds 95% of the divisions."
    )
    if len(inputs.baselines):
        text += (
            " Baselines are other tokenizers, taken at their tokens' own patches; to compare, the codes are "
            "taken there as well."
        )
    return text


def about_family(inputs: Inputs, family: Family) -> str:
    """The confirmed number of a family, its range, chance, and the best baseline."""
    found = finding(inputs.metric, family)
    if not found.tested:
        why = " since too few codes are consistent" if family == PAIRS else ""
        return f"{sentence(family.key)}: nothing could be tested{why}."
    if not found.confirmed.value:
        beside = _beside(inputs, family.key)
        return f"{sentence(family.key)}: no {family.noun} was confirmed to {family.phrase}{beside}."
    noun = family.noun if found.confirmed.value == 1 else family.nouns
    extent = between(found.confirmed.low, found.confirmed.high)
    return (
        f"{sentence(family.key)}: {number(found.confirmed.value)} {noun} (range {extent}, by chance "
        f"{number(found.chance)}) "
        f"{family.phrase}{_extra(inputs, family, found)}{_beside(inputs, family.key)}."
    )


def _extra(inputs: Inputs, family: Family, found: Finding) -> str:
    if family == NAMES and found.holds:
        return f"; {by_label(inputs.metrics)}"
    if family == PAIRS and found.holds:
        return f"; they cover {percent(inputs.metric('pairs.covered'))} of the visible observations"
    return f"; {many(found.tested, 'code')} could be tested" if family == CONSISTENCY else ""


def _beside(inputs: Inputs, key: str) -> str:
    """The comparison with the best baseline; empty if there is none."""
    rival = rivalry(inputs.baselines, key)
    if rival is None:
        return ""
    return (
        f"; at the tokens' own patches {rival.ours.shown}, against {rival.best.shown} of the best baseline, "
        f"{rival.name}: {_VERDICTS[rival.verdict]}"
    )


def about_agreement(inputs: Inputs) -> str:
    """How well code and label agree, beside place, chance and baselines."""
    parts = [inputs.metric(f"world.{key}") for key in ("nmi", "nmi_low", "nmi_high", "nmi_place")]
    if None in parts:
        return "No map lies on the world while it is visible, so codes and labels cannot be compared."
    value, low, high, place = (float(one or 0) for one in parts)
    ours = Measured(value, low, high)
    word = "more than" if low > place else "no more than"
    return (
        f"Agreement: the normalised mutual information of a code and the label under its map is {ours.shown} "
        f"of 1 on the visible world, {word} the {number(place)} that place and time alone "
        f"give{_beside(inputs, 'nmi')}. {percent(inputs.metric('world.purity'))} of the maps have their "
        f"code's most frequent label; {percent(inputs.metric('world.purity_base'))} have the most frequent "
        "label of all."
    )
