"""Tables of the page: findings, baselines, power, and repetitions of the analysis."""

import math
from dataclasses import dataclass

import pandas as pd

from irislib.report.findings import (
    ALL,
    ATTRIBUTIONS,
    HEADLINES,
    TOKENIZERS,
    Finding,
    Measured,
    finding,
    measured,
)
from irislib.report.inputs import Inputs
from irislib.report.wording import between, many, number, percent

_EMPTY = "—"


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        name: id of its section.
        heading: heading of the section.
        about: what it shows, and how to read it.
        header: names of the columns; the first one names the rows.
        rows: cells as text; a line break parts what belongs on lines of their own. May be empty.
        folded: whether it is shown on demand, because it is long.
    """

    name: str
    heading: str
    about: str
    header: list[str]
    rows: list[list[str]]
    folded: bool = False


def result_tables(inputs: Inputs) -> list[Table]:
    """The tables in the order of the page."""
    return [findings_table(inputs), baselines_table(inputs), power_table(inputs), replicates_table(inputs)]


def findings_table(inputs: Inputs) -> Table:
    """Each family: what was tested, selected and confirmed, and what chance gives."""
    rows = []
    for family in ALL:
        found = finding(inputs.metric, family)
        rows.append([family.name, *_cells(found)])
    about = (
        "The episodes are divided into two halves at random, 100 times. Hypotheses are selected on one half "
        "and confirmed on the other; the numbers of selected and confirmed ones are means over the "
        "divisions, and the range holds 95% of the divisions. A finding is listed on this page if more than "
        "half of the divisions confirm it. “By chance” is the number that is confirmed if each observation "
        "is exchanged for one of another episode: same step, same place, same part of the day. A code can "
        "have one name and tell one item at most. Observations that hide the world are left out of names, "
        "items, pairs and sets. Pairs and sets are made of the consistent codes that this page lists."
    )
    header = [
        "finding",
        "tested",
        "selected",
        "confirmed",
        "range",
        "share confirmed",
        "listed",
        "by chance",
    ]
    return Table("findings", "How many findings hold again?", about, header, rows)


def _cells(found: Finding) -> list[str]:
    return [
        _number(found.tested),
        _number(found.selected),
        number(found.confirmed.value),
        between(found.confirmed.low, found.confirmed.high),
        _EMPTY if found.confirmation is None else percent(found.confirmation),
        _number(found.holds),
        _EMPTY if found.chance is None else number(found.chance),
    ]


def _number(value: float | None) -> str:
    return _EMPTY if value is None else number(value)


def baselines_table(inputs: Inputs) -> Table:
    """The same numbers for other attributions and other tokenizers."""
    about = (
        "The same tests on the same frames. An untrained encoder has the architecture of the analysed "
        "tokenizer, fresh weights, and random encoder outputs as codes; k-means of mean colours and of "
        "patches know nothing but the pixels of a token's own patch; shuffled codes keep only place and "
        "frequency. Baselines are taken at the tokens' own patches, so they compare with the second row. "
        "Each cell has the confirmed number, its range, and after “chance” what exchanged observations give; "
        "for the agreement, the normalised mutual information of code and label on the world, its range over "
        "episodes, and after “place” what the same places give at other times."
    )
    header = ["codes, and where they act", "codes used", *(family.name for family in HEADLINES)]
    header += ["observations covered by pairs", "agreement", "purity (of a single code)"]
    rows = [_baseline(row) for _, row in inputs.baselines.iterrows()]
    return Table("baselines", "Do simpler codes show as much?", about, header, rows)


def _baseline(row: pd.Series) -> list[str]:
    tokenizer = TOKENIZERS.get(row["tokenizer"], row["tokenizer"])
    where = ATTRIBUTIONS.get(row["attribution"], row["attribution"])
    counts = [
        f"{measured(row, family.key).shown},\nchance {number(row[f'{family.key}_null'])}"
        for family in HEADLINES
    ]
    agreement = Measured(row["nmi"], row["nmi_low"], row["nmi_high"])
    return [
        f"{tokenizer}, {where}",
        number(row["codes_used"]),
        *counts,
        percent(row["pairs_covered"]),
        f"{agreement.shown},\nplace {number(row['nmi_place'])}" if agreement.known else _EMPTY,
        f"{percent(row['purity'])}\n({percent(row['purity_base'])})",
    ]


def power_table(inputs: Inputs) -> Table:
    """How often a code that shows nothing but one label would have been named."""
    power = inputs.power
    about = (
        "A code that is not named may show nothing, or the recording may be too small. So codes were "
        "planted: each stands in up to 100 observations and shows one label and nothing else. The table "
        "says how many of the planted codes were named. The last row has codes that show nothing; names "
        "among these are errors."
    )
    if len(power):
        seen = power[power["label"] != "nothing"]
        sure = seen[seen["named"] >= 0.95]["label"].tolist()
        about += (
            f" Of {many(len(seen), 'label')} that were visible, {number(len(sure))} would have been found in "
            "at least 95% of the tries. For the others it proves nothing that no code has this name."
        )
    rows = [
        [row["label"], number(row["episodes"]), number(row["planted"]), percent(row["named"])]
        for _, row in power.iterrows()
    ]
    header = ["label", "episodes that show it", "planted codes", "named"]
    return Table("power", "What would have been found, had it been there?", about, header, rows, folded=True)


_COMPARISONS = {
    "halves": "two halves of the recording",
    "crops": "two draws of the crops",
    "recordings": "two recordings of the same player",
}


def replicates_table(inputs: Inputs) -> Table:
    """The confirmed numbers when the analysis is repeated."""
    heading = "Does the analysis find the same again?"
    header = ["repetition", "run", "episodes", *(family.name for family in HEADLINES)]
    if len(inputs.replicates) == 0:
        about = (
            "The analysis was not repeated for this page. The command python -m stages.replicates repeats it "
            "on two disjoint halves of the recording, on two draws of crops, and on two recordings of the "
            "same player."
        )
        return Table("replicates", heading, about, header, [])
    about = (
        "The analysis was repeated on two disjoint halves of the recording, on two draws of crops, and on "
        "two recordings of the same player. "
    )
    if not _of_this_run(inputs):
        about += "These rows were made from another run; python -m stages.replicates makes them again. "
    about += _agreeing(inputs.replicates)
    rows = [
        [
            _COMPARISONS.get(row["comparison"], row["comparison"]),
            row["run"],
            number(row["episodes"]),
            *(measured(row, family.key).shown for family in HEADLINES),
        ]
        for _, row in inputs.replicates.iterrows()
    ]
    return Table("replicates", heading, about, header, rows, folded=True)


def _of_this_run(inputs: Inputs) -> bool:
    """Whether the repetitions belong to the run of this page: one of them repeats it with equal crops."""
    same = inputs.replicates[inputs.replicates["run"] == "this run"]
    return bool(len(same)) and all(
        math.isclose(
            same.iloc[0][f"{family.key}_confirmed"],
            inputs.metric(f"{family.key}.confirmed") or 0,
            rel_tol=1e-4,
        )
        for family in HEADLINES
    )


def _agreeing(replicates: pd.DataFrame) -> str:
    """How often the confirmed number of one run lies within the range of the other runs, both ways."""
    within = total = 0
    for _, runs in replicates.groupby("comparison", sort=False):
        for family in HEADLINES:
            numbers = [measured(row, family.key) for _, row in runs.iterrows()]
            for one in numbers:
                for other in numbers:
                    if one is not other:
                        total += 1
                        within += other.low <= one.value <= other.high
    return (
        f"Of {many(total, 'confirmed number')}, {number(within)} lie within the range of the run beside them."
    )
