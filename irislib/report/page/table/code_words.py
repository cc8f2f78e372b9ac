"""What the table of codes says about a code, from its row of codes.csv."""

import math
from typing import Any

from irislib.report.wording import many, number, percent, signed

Facts = dict[str, Any]  # a row of codes.csv


def known(value: Any) -> str:
    """The value as text; empty if it is undefined."""
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value)


def searched(facts: Facts) -> str:
    """What the search looks for besides the number: label, name and item, in lower case."""
    return " ".join(known(facts[key]) for key in ("label", "name", "item") if known(facts[key])).lower()


def crops(facts: Facts) -> str:
    """How many different crops the code has."""
    if not facts["crops"]:
        return ""
    different = "1 crop" if facts["distinct_crops"] == 1 else f"{facts['distinct_crops']:.0f} different crops"
    return f"{different} from {many(facts['episodes'], 'episode')}"


def truth(facts: Facts) -> dict[str, str]:
    """The fields label, share and lift of a `Row`."""
    return {
        "label": known(facts["label"]),
        "share": percent(facts["label_share"]) if known(facts["label_share"]) else "",
        "lift": number(float(f"{facts['label_lift']:.2g}")) if known(facts["label_lift"]) else "",
    }


def findings(facts: Facts) -> list[tuple[str, str]]:
    """The code's name and the item that it tells, each with its numbers; empty if it has neither."""
    found = []
    if known(facts["name"]):
        shares = f"{percent(facts['name_share'])}, elsewhere {percent(facts['name_expected'])}"
        found.append((f"named {facts['name']}", f"{shares}; {confirmed(facts['name_confirmed'])}"))
    if known(facts["item"]):
        means = f"{facts['item_mean']:.1f}, elsewhere {facts['item_expected']:.1f}"
        found.append((f"tells {facts['item']}", f"{means}; {confirmed(facts['item_confirmed'])}"))
    return found


def confirmed(share: float) -> str:
    """The share of the divisions that confirm a finding; empty if it was not tested."""
    return f"confirmed in {percent(share)}" if known(share) else ""


def difference(facts: Facts) -> str:
    """The difference to other episodes with its interval, or why there is none."""
    if known(facts["difference"]):
        ends = [signed(facts[key]) for key in ("difference_low", "difference_high")]
        return f"{signed(facts['difference'])} ({ends[0]} to {ends[1]})"
    return f"not tested: {untested(facts)}"


def untested(facts: Facts) -> str:
    """Why the consistency of a code was not tested; empty if it was."""
    if known(facts["confirmed"]):
        return ""
    if not facts["uses"]:
        return "never used"
    if not facts["crops"]:
        return "no crop"
    return "too few episodes" if known(facts["difference"]) or facts["episodes"] < 2 else "too few crops"


def against_random(facts: Facts) -> str:
    """The difference to random boxes; empty if there is none."""
    if not known(facts["random_difference"]):
        return ""
    return signed(facts["random_difference"]) + (": confirmed" if facts["beats_random"] else "")


def monosemanticity(facts: Facts) -> str:
    """In brackets that of the same places in other episodes; empty if undefined."""
    if not known(facts["monosemanticity"]):
        return ""
    return f"{facts['monosemanticity']:.2f} ({facts['monosemanticity_elsewhen']:.2f})"
