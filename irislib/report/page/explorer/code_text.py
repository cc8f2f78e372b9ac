"""What the view of a code says in words: the verdict, the tests, and the definitions of a label."""

from dataclasses import dataclass

from irislib.report.page.table.code_words import Facts, known, untested
from irislib.report.wording import listed, many, number, percent, sentence, signed

NEEDED = "more than half are needed"


@dataclass(frozen=True)
class Tested:
    """A test: what is asked, the value, what it is compared with, of how many, and what came out."""

    question: str
    value: str
    against: str
    of: str
    outcome: str


@dataclass(frozen=True)
class Definition:
    """One way to say which label a code has: its name, the label (may be empty), and the numbers."""

    name: str
    label: str
    numbers: str


def verdict(facts: Facts) -> list[str]:
    """Sentences: is the code consistent, and has it a name? With the numbers, and why not."""
    return [_consistency(facts), _name(facts), *_item(facts)]


def _consistency(facts: Facts) -> str:
    if known(facts["confirmed"]) == "":
        return f"Not tested: {untested(facts)}."
    how = _amount(facts)
    if facts["consistent"]:
        return (
            f"Consistent: its crops are more alike than the same places at the same times in other episodes "
            f"({how}), and {percent(facts['confirmed'])} of the divisions of the episodes confirm it."
        )
    if facts["difference_low"] > 0:
        why = f"its crops are more alike than the same places in other episodes ({how}), but"
    elif facts["difference_high"] < 0:
        why = f"its crops are less alike than the same places in other episodes ({how});"
    else:
        why = f"its crops are about as alike as the same places in other episodes ({how});"
    share = percent(facts["confirmed"])
    return f"Not consistent: {why} {share} of the divisions confirm a difference, {NEEDED}."


def _amount(facts: Facts) -> str:
    low, high = signed(facts["difference_low"]), signed(facts["difference_high"])
    return f"difference of the cosine {signed(facts['difference'])}, 95% interval {low} to {high}"


def _name(facts: Facts) -> str:
    if not known(facts["name"]):
        return (
            "No name: most divisions confirm no label that it shows more than the same places in other "
            "episodes do."
        )
    share, expected = percent(facts["name_share"]), percent(facts["name_expected"])
    return (
        f"Named {facts['name']}: {share} of the mass of its maps lies on it, {expected} at the same places "
        f"in other episodes; {percent(facts['name_confirmed'])} of the divisions confirm it."
    )


def _item(facts: Facts) -> list[str]:
    if not known(facts["item"]):
        return []
    mean, expected = f"{facts['item_mean']:.2f}", f"{facts['item_expected']:.2f}"
    return [
        f"Tells {facts['item']}: where the code occurs it is {mean} on average, {expected} at the same steps "
        f"of other episodes; {percent(facts['item_confirmed'])} of the divisions confirm it."
    ]


def tests(facts: Facts) -> list[Tested]:
    """Each test of a code with its numbers, and why it failed or was not made."""
    crops = "no crop"
    if facts["crops"]:
        crops = f"{many(facts['crops'], 'crop')} from {many(facts['episodes'], 'episode')}"
    observations = many(facts["steps_present"], "observation")
    name, item = known(facts["name"]), known(facts["item"])
    return [
        Tested(
            "Are its crops alike?",
            signed(facts["difference"]) if known(facts["difference"]) else "",
            "the same places in other episodes",
            crops,
            _outcome(facts, "confirmed"),
        ),
        Tested(
            "Are its crops alike?",
            signed(facts["random_difference"]) if known(facts["random_difference"]) else "",
            "random boxes of the same frames",
            crops,
            _outcome(facts, "random_confirmed"),
        ),
        Tested(
            "Has it a name?",
            f"{name} {percent(facts['name_share'])}" if name else "",
            f"{percent(facts['name_expected'])} elsewhere" if name else "the same places elsewhere",
            observations,
            _found(facts, "name", "no label"),
        ),
        Tested(
            "Does it tell an item?",
            f"{item} {facts['item_mean']:.2f}" if item else "",
            f"{facts['item_expected']:.2f} elsewhere" if item else "the same steps elsewhere",
            observations,
            _found(facts, "item", "no item"),
        ),
    ]


def _outcome(facts: Facts, column: str) -> str:
    if not known(facts[column]):
        return f"not tested: {untested(facts) or 'too few crops'}"
    share = f"{percent(facts[column])} of the divisions confirm it"
    return f"holds: {share}" if facts[column] > 0.5 else f"fails: {share}, {NEEDED}"


def _found(facts: Facts, column: str, nothing: str) -> str:
    if not facts["uses"]:
        return "not tested: never used"
    if not known(facts[column]):
        return f"fails: {nothing} is confirmed in more than half of the divisions"
    return f"holds: {percent(facts[f'{column}_confirmed'])} of the divisions confirm it"


def definitions(facts: Facts, labels: list[Facts]) -> list[Definition]:
    """The label of a code by each definition.

    Args:
        labels: rows of labels.csv of this code.
    """
    found = [
        Definition(
            "the most frequent one under its maps",
            known(facts["label"]),
            f"{percent(facts['label_share'])} of the maps, lift {number(facts['label_lift'], 2)}",
        ),
        Definition(
            "the one that its regions overlap most (IoU)",
            known(facts["iou_label"]),
            f"IoU {number(facts['iou'], 2)}, in other episodes {number(facts['iou_elsewhen'], 2)}",
        ),
        Definition(
            "its name: more of it than at the same places elsewhere",
            known(facts["name"]),
            f"{percent(facts['name_share'])}, elsewhere {percent(facts['name_expected'])}",
        ),
    ]
    most = max(filter(compared, labels), key=_excess, default=None)
    if most is not None and _excess(most) > 0:
        shares = f"{percent(most['mass_share'])}, elsewhere {percent(most['place_share'])}"
        found.append(
            Definition(
                "the one with the largest excess over the same places elsewhere", most["label"], shares
            )
        )
    return [one if one.label else Definition(one.name, "", "") for one in found]


def compared(row: Facts) -> bool:
    """Whether the label of this row of labels.csv was compared with the same places in other episodes."""
    return bool(known(row["confirmed"]))


def _excess(row: Facts) -> float:
    excess: float = row["mass_share"] - row["place_share"]
    return excess


def agreement(found: list[Definition]) -> str:
    """Whether the definitions give the same label, in a sentence; empty if none gives any."""
    labels = list(dict.fromkeys(one.label for one in found if one.label))
    if not labels:
        return ""
    if len(labels) == 1:
        lacking = any(not one.label for one in found)
        return (
            f"All definitions that give a label give {labels[0]}." if lacking else f"All agree: {labels[0]}."
        )
    return sentence(f"the definitions disagree: they give {listed(labels)}.")
