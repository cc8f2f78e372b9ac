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
    """What the search looks for besides the number: label and quantity, in lower case."""
    return " ".join(known(facts[key]) for key in ("label", "quantity") if known(facts[key])).lower()


def empty_maps(facts: Facts) -> str:
    """How many of the code's maps are empty."""
    if not facts["uses"] or not known(facts["empty_share"]):
        return "no map: never used"
    share = facts["empty_share"]
    return "all empty" if share == 1 else "none empty" if share == 0 else f"{percent(share)} empty"


def crops(facts: Facts) -> str:
    """How many different crops the code has."""
    if not facts["crops"]:
        return ""
    different = "1 crop" if facts["distinct_crops"] == 1 else f"{facts['distinct_crops']} different crops"
    return f"{different} from {many(facts['episodes'], 'episode')}"


def truth(facts: Facts, alpha: float) -> dict[str, str]:
    """The fields label, share, lift, named and quantity of a `Row`."""
    if not known(facts["label"]):
        # Without a map, at least the label at the code's positions is known.
        cell = known(facts["cell_label"])
        stands = f"its positions: {cell} ({percent(facts['cell_label_share'])})" if cell else ""
        return {"label": "", "share": "", "lift": "", "named": "", "quantity": stands}
    if not known(facts["label_q_value"]):
        named = "not tested"
    elif facts["named"]:
        named = f"above the position baseline (q = {q_value(facts['label_q_value'])})"
    else:
        named = "not above the position baseline"
    return {
        "label": facts["label"],
        "share": percent(facts["label_share"]),
        "lift": number(float(f"{facts['label_lift']:.2g}")),
        "named": named,
        "quantity": _quantity(facts, alpha),
    }


def _quantity(facts: Facts, alpha: float) -> str:
    if not known(facts["quantity"]):
        return ""
    told = bool(known(facts["quantity_q_value"])) and facts["quantity_q_value"] <= alpha
    if told:
        return f"{facts['quantity']}: depends on its number (q = {q_value(facts['quantity_q_value'])})"
    return f"{facts['quantity']}: not shown to depend on its number"


def q_value(value: float) -> str:
    """Two significant digits."""
    return f"{value:.2g}"


def judged(value: float, significant: bool, word: str) -> str:
    """A q-value, with a word if it is significant; empty if undefined."""
    shown = known(value) and q_value(value)
    return f"{shown}: {word}" if significant else shown


def difference(facts: Facts) -> str:
    """The difference to random crops with its interval, or why there is none."""
    if known(facts["difference"]):
        ends = [signed(facts[key]) for key in ("difference_low", "difference_high")]
        return f"{signed(facts['difference'])} ({ends[0]} to {ends[1]})"
    if not facts["uses"]:
        return "not tested: never used"
    if facts["empty_share"] == 1:
        return "not tested: all maps are empty"
    return f"not tested: {facts['untested']}" if known(facts["untested"]) else "not tested"


def monosemanticity(facts: Facts) -> str:
    """Beside that of random crops; empty if undefined."""
    if not known(facts["monosemanticity"]):
        return ""
    return f"{facts['monosemanticity']:.2f} (random: {facts['monosemanticity_random']:.2f})"
