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

_VERDICTS = {1: "more", 0: "no more", -1: "less"}


def answer(inputs: Inputs) -> str:
    """Whether the codes mean anything, in a paragraph that can be read aloud."""
    found = [family for family in HEADLINES if finding(inputs.metric, family).beyond_chance]
    texts = [_verdict(inputs, found), _how(inputs)]
    texts += [about_family(inputs, family) for family in HEADLINES]
    return " ".join([*texts, about_agreement(inputs)])


def _verdict(inputs: Inputs, found: list[Family]) -> str:
    """What beats chance, and what beats the baselines."""
    if not found:
        return (
            "The answer for this run is nothing: where a code changes the picture, no kind of finding "
            f"exceeds chance.{_at_patches(inputs)}"
        )
    missed = [family.key for family in HEADLINES if family not in found]
    chance = f"In this run the codes exceed chance in {listed([family.key for family in found])}"
    chance += f", and do not in {listed(missed)}" if missed else ""
    rivals = {family.key: rivalry(inputs.baselines, family.key) for family in found}
    known = {key: rival for key, rival in rivals.items() if rival is not None}
    if not known:
        return f"{chance}. There are no baselines to compare with."
    better = [key for key, rival in known.items() if rival.verdict > 0]
    if not better:
        return f"{chance}. In none of these are they better than the best baseline."
    only = " only" if len(better) < len(known) else ""
    return f"{chance}. They are better than every baseline in {listed(better)}{only}."


def _at_patches(inputs: Inputs) -> str:
    """What exceeds chance where the tokens stand, if nothing does where the codes change the picture."""
    rows = inputs.baselines[inputs.baselines["attribution"] == "position"].set_index("tokenizer")
    if "agent" not in rows.index:
        return ""
    ours = rows.loc["agent"]
    found = [family.key for family in HEADLINES if ours[f"{family.key}_low"] > ours[f"{family.key}_null"]]
    if not found:
        return " Nor does any at the tokens' own patches."
    rivals = [rival for key in found if (rival := rivalry(inputs.baselines, key)) is not None]
    worse = bool(rivals) and all(rival.verdict < 0 for rival in rivals)
    beside = ", and there a baseline finds more" if worse else ""
    return f" At the tokens' own patches the codes exceed chance in {listed(found)}{beside}."


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
