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
from irislib.report.wording import between, listed, many, number, percent, sentence

_SHORT = {"consistency": "consistency", "names": "names", "items": "items", "pairs": "pairs"}
_VERDICTS = {
    1: "more than the best baseline",
    0: "no more than the best baseline",
    -1: "less than a baseline",
}


def answer(inputs: Inputs) -> str:
    """Whether the codes mean anything, in a paragraph that can be read aloud."""
    families = [about_family(inputs, family) for family in HEADLINES]
    return " ".join([_verdict(inputs), *families, about_agreement(inputs)])


def _verdict(inputs: Inputs) -> str:
    """What beats chance, and what beats the baselines."""
    found = [family for family in HEADLINES if finding(inputs.metric, family).beyond_chance]
    intro = (
        "Do the codes mean anything? Each finding here was selected on one half of the episodes and "
        "confirmed on the other half, over many divisions. "
    )
    if not found:
        return f"{intro}The answer is nothing: in no family of findings do the codes exceed chance."
    missed = [_SHORT[family.key] for family in HEADLINES if family not in found]
    chance = f"The codes exceed chance in {listed([_SHORT[family.key] for family in found])}"
    chance += f", and not in {listed(missed)}. " if missed else ". "
    compared = {family.key: rivalry(inputs.baselines, family.key) for family in found}
    known = {key: one for key, one in compared.items() if one is not None}
    if not known:
        return f"{intro}{chance}There are no baselines to compare with."
    better = [_SHORT[key] for key, one in known.items() if one.verdict > 0]
    if not better:
        return f"{intro}{chance}In none of these are they better than the best baseline tokenizer."
    return f"{intro}{chance}They are better than every baseline tokenizer in {listed(better)}" + (
        " only." if len(better) < len(known) else "."
    )


def about_family(inputs: Inputs, family: Family) -> str:
    """The confirmed number of a family, its range, chance, and the best baseline."""
    found = finding(inputs.metric, family)
    if not found.tested:
        return f"No {family.noun} could be tested for {_SHORT[family.key]}."
    if not found.confirmed.value:
        return f"No {family.noun} was confirmed to {family.phrase}{_beside(inputs, family.key)}."
    noun = family.noun if found.confirmed.value == 1 else family.nouns
    extent = between(found.confirmed.low, found.confirmed.high)
    return sentence(
        f"{number(found.confirmed.value)} {noun} (range {extent}, by chance {number(found.chance)}) "
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
        f"; taken at the tokens' own patches, they are {rival.ours.shown}, {_VERDICTS[rival.verdict]} "
        f"({rival.name}: {rival.best.shown})"
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
        f"The normalised mutual information of a code and the label under its map is {ours.shown} of 1 on "
        f"the visible world, {word} the {number(place)} that place and time alone "
        f"give{_beside(inputs, 'nmi')}; the label is the code's most frequent one in "
        f"{percent(inputs.metric('world.purity'))} of the maps, where "
        f"{percent(inputs.metric('world.purity_base'))} have the most frequent label of all."
    )
