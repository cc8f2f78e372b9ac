"""Does it hold in other worlds? The same arms in several worlds, side by side."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from irislib.report.page.result_tables import Table
from irislib.report.study.answers import MEASURES, changed
from irislib.report.study.results import StudyResults
from irislib.report.study.worlds import Effect, trained_for_nothing
from irislib.report.wording import listed, number

ABOUT = (
    "What the tokens of IRIS's tokenizer tell, and how that changes. Recall is the share of a label's "
    "tokens that their code predicts; rare labels count as much as common ones. NMI beyond place is how "
    "much more a token tells of the label of its patch than its place does. The shifted patches are "
    "compared with those that are not shifted, everything else with IRIS's tokenizer. Ranges are 95% "
    "intervals over seeds. The files in studies/worlds say what is played, by whom, and whether patches "
    "lie on cells of the world."
)


def worlds_table(found: Mapping[str, StudyResults], measured: Sequence[Effect]) -> Table:
    """A row for each change of the tokenizer and each measure: what the one does to the other in each world.

    Without rows where the study was run in fewer than two worlds.

    Args:
        found: see `by_world`.
        measured: see `effects`.
    """
    compared = MEASURES if len(found) > 1 else ()
    rows = [row for measure in compared for row in _block(measure, found, measured)]
    header = ["what changes", *found, "where this is shown"]
    about = " ".join([ABOUT, *_training(measured), _summary(len(found), measured)])
    return Table("worlds", "Does it hold in other worlds?", about, header, rows)


def _training(measured: Sequence[Effect]) -> list[str]:
    """Where training was not shown to help, in a sentence; nothing if it helped wherever it was measured."""
    found = trained_for_nothing(measured)
    told = [f"{MEASURES[measure]} in {listed(worlds)}" for measure, worlds in found.items()]
    return [f"Training IRIS's tokenizer was not shown to raise {', nor '.join(told)}."] if told else []


def _summary(worlds: int, measured: Sequence[Effect]) -> str:
    """What held in all worlds, in a sentence."""
    if not measured:
        return "No change was tried in two worlds yet."
    moved = defaultdict[str, list[str]](list)
    for one in measured:
        if one.direction:
            moved[one.words].append(f"{MEASURES[one.measure]} {one.direction}")
    held = [f"{words} ({listed(measures)})" for words, measures in moved.items()]
    if not held and not all(one.settled for one in measured):
        return (
            f"What holds in all {number(worlds)} worlds cannot be told yet: some changes were measured with "
            "too few seeds, or not in all worlds."
        )
    return f"What held in all {number(worlds)} worlds: {listed(held) or 'nothing'}."


def _block(measure: str, found: Mapping[str, StudyResults], measured: Sequence[Effect]) -> list[list[str]]:
    """What the reference reaches in a measure, then how each change moves it."""
    base = [results.mean(results.reference, measure).shown for results in found.values()]
    rows = [[f"IRIS's tokenizer: {MEASURES[measure]}", *base, ""]]
    for effect in measured:
        if effect.measure == measure:
            cells = [changed(effect.known[name]) if name in effect.known else "—" for name in found]
            rows.append([effect.words, *cells, effect.verdict])
    return rows
