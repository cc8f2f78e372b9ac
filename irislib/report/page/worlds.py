"""Does it hold in other worlds? The same arms in several worlds, side by side."""

from collections.abc import Mapping

import pandas as pd

from irislib.report.findings import Measured
from irislib.report.page.result_tables import Table
from irislib.report.study.answers import MEASURES, beyond, changed
from irislib.report.study.results import StudyResults
from irislib.report.wording import listed, number

RISES, FALLS = "rises", "falls"
# What a row shows, and the arms that show it: of the first one that a world has, its difference from the arm
# that it is compared with. Patches are as large as the cells of the world, where it has cells.
ROWS = {
    "attention off: a token sees less": ("no-attention",),
    "small patches, each seen alone": ("patch-7", "patch-8"),
    "the same patches, shifted": ("patch-7-shifted", "patch-8-shifted"),
    "taught by labels": ("iris-labels",),
    "taught to ignore what is around a patch": ("iris-swap",),
}


def by_world(study: StudyResults, worlds: pd.DataFrame) -> dict[str, StudyResults]:
    """The results of each world that has some, by its name; those of study.csv first.

    Args:
        study: study.csv.
        worlds: worlds.csv, the same for other worlds.
    """
    found = [study, *(StudyResults(rows) for _, rows in worlds.groupby("world", sort=False))]
    return {results.world: results for results in found if results}


def worlds_table(study: StudyResults, worlds: pd.DataFrame) -> Table:
    """A row for each change of the tokenizer and each measure: what the one does to the other in each world.

    Without rows where the study was run in fewer than two worlds.
    """
    found = by_world(study, worlds)
    header = ["what changes", *found, "in all worlds"]
    rows: list[list[str]] = []
    held: list[str] = []
    for measure, called in MEASURES.items() if len(found) > 1 else ():
        base = [results.mean(results.reference, measure).shown for results in found.values()]
        rows.append([f"IRIS's tokenizer: {called}", *base, ""])
        for words, arms in ROWS.items():
            changes = _changes(found, arms, measure)
            cells = [changed(changes[name]) if name in changes else "—" for name in found]
            verdict = _everywhere(changes, len(found))
            rows.append([words, *cells, verdict])
            if verdict in (RISES, FALLS):
                held.append(f"{words} ({called} {verdict})")
    about = (
        "What the tokens of IRIS's tokenizer tell, and how that changes. Recall is the share of a label's "
        "tokens that their code predicts; rare labels count as much as common ones. NMI beyond place is how"
        " much more a token tells of the label of its patch than its place does. The shifted patches are "
        "compared with those that are not shifted, everything else with IRIS's tokenizer. Ranges are 95% "
        "intervals over seeds. The files in studies/worlds say what is played, by whom, and whether patches"
        " lie on cells of the world. "
    )
    if rows:
        about += f"What held in all {number(len(found))} worlds: {listed(held) or 'nothing'}."
    return Table("worlds", "Does it hold in other worlds?", about, header, rows)


def _changes(found: Mapping[str, StudyResults], arms: tuple[str, ...], measure: str) -> dict[str, Measured]:
    """The difference of the first of the arms that a world has, by world."""
    known = {}
    for name, results in found.items():
        arm = next((arm for arm in arms if arm in results.arms), "")
        if arm and (change := results.difference(arm, measure)).known:
            known[name] = change
    return known


def _everywhere(changes: Mapping[str, Measured], worlds: int) -> str:
    """Whether the change has the same sign in all worlds, and its interval leaves out zero in all."""
    if len(changes) < worlds:
        return "not measured in all"
    sure = {change.value > 0 for change in changes.values() if beyond(change)}
    if len(sure) == 2:
        return "no: rises in one, falls in another"
    if sum(map(beyond, changes.values())) < worlds:
        return "not shown"
    return RISES if True in sure else FALLS
