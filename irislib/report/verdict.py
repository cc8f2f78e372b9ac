"""The answer in one or two sentences: what exceeds chance, and what exceeds the baselines."""

import pandas as pd

from irislib.report.findings import HEADLINES, Look, finding, rivalry
from irislib.report.wording import listed


def verdict(look_up: Look, baselines: pd.DataFrame) -> str:
    """What exceeds chance, and what exceeds the baselines.

    Args:
        look_up: a number of the metrics by its key.
        baselines: the rows of baselines.csv.

    Raises:
        ArtifactError: a number is missing.
    """
    found = [family for family in HEADLINES if finding(look_up, family).beyond_chance]
    if not found:
        return (
            "The answer for this run is nothing: where a code changes the picture, no kind of finding "
            f"exceeds chance.{_at_patches(baselines)}"
        )
    missed = [family.key for family in HEADLINES if family not in found]
    chance = f"In this run the codes exceed chance in {listed([family.key for family in found])}"
    chance += f", and do not in {listed(missed)}" if missed else ""
    rivals = {family.key: rivalry(baselines, family.key) for family in found}
    known = {key: rival for key, rival in rivals.items() if rival is not None}
    if not known:
        return f"{chance}. There are no baselines to compare with."
    better = [key for key, rival in known.items() if rival.verdict > 0]
    if not better:
        return f"{chance}. In none of these are they better than the best baseline."
    only = " only" if len(better) < len(known) else ""
    return f"{chance}. They are better than every baseline in {listed(better)}{only}."


def _at_patches(baselines: pd.DataFrame) -> str:
    """What exceeds chance where the tokens stand, if nothing does where the codes change the picture."""
    rows = baselines[baselines["attribution"] == "position"].set_index("tokenizer")
    if "agent" not in rows.index:
        return ""
    ours = rows.loc["agent"]
    found = [family.key for family in HEADLINES if ours[f"{family.key}_low"] > ours[f"{family.key}_null"]]
    if not found:
        return " Nor does any at the tokens' own patches."
    rivals = [rival for key in found if (rival := rivalry(baselines, key)) is not None]
    worse = bool(rivals) and all(rival.verdict < 0 for rival in rivals)
    beside = ", and there a baseline finds more" if worse else ""
    return f" At the tokens' own patches the codes exceed chance in {listed(found)}{beside}."
