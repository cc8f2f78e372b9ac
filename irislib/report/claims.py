"""The paper's claims beside ours, every number of ours taken from metrics.json."""

import csv
import io
from dataclasses import dataclass
from typing import Literal

from irislib.report.codebook import PAPER_EMPTY_SHARE
from irislib.report.inputs import Inputs
from irislib.report.wording import UNDEFINED, number, percent

Unit = Literal["share", "number"]


@dataclass(frozen=True)
class Claim:
    """A row of the table.

    Attributes:
        claim: what is measured.
        definition: how, exactly.
        paper: its value (arXiv 2407.19532), its words where it gives no number, else None.
        ours: None where undefined.
        unit: how both are shown; shares are in [0, 1].
    """

    claim: str
    definition: str
    paper: float | str | None
    ours: float | None
    unit: Unit

    @property
    def paper_shown(self) -> str:
        """The paper's side for readers."""
        return (
            self.paper
            if isinstance(self.paper, str)
            else "—"
            if self.paper is None
            else self._show(self.paper)
        )

    @property
    def ours_shown(self) -> str:
        """Our side for readers."""
        return UNDEFINED if self.ours is None else self._show(self.ours)

    def _show(self, value: float) -> str:
        return percent(value) if self.unit == "share" else number(value, 4)


# claim, definition, the paper's value, key in metrics.json, unit
_CLAIMS: tuple[tuple[str, str, float | str | None, str, Unit], ...] = (
    (
        "Empty maps of present codes",
        "share of (observation, code in it) pairs whose map has no value above 0",
        PAPER_EMPTY_SHARE,
        "empty_share.present_pairs",
        "share",
    ),
    (
        "Empty maps of all codes",
        "share of all codes in all observations; the map of an absent code is empty",
        PAPER_EMPTY_SHARE,
        "empty_share.all_codes_all_steps",
        "share",
    ),
    (
        "Codes that never light up",
        "share of all codes whose every map is empty; an unused code counts",
        PAPER_EMPTY_SHARE,
        "empty_share.codes_always_empty",
        "share",
    ),
    (
        "Codes that beat random crops",
        "share of the tested codes whose crops of different episodes are more alike than size-matched "
        "random crops of the same frames (by a test that swaps whole episodes, corrected over codes, and an "
        "interval above zero)",
        "almost none",
        "consistency.share_consistent",
        "share",
    ),
    (
        "Codes that beat random crops, of all",
        "the same, among all codes",
        "almost none",
        "consistency.share_of_codebook",
        "share",
    ),
    (
        "Codes that beat random crops and their place",
        "codes whose crops are also more alike than other codes' crops of the same boxes in other episodes",
        "not measured",
        "consistency.codes_consistent_beyond_place",
        "number",
    ),
    (
        "Observations covered by pairs",
        "share of observations in which an interpretable pair of codes is seen together; a lower bound, as "
        "crops are a sample and pairs without enough crops in common cannot be judged",
        0.001,
        "cooccurrence.observations_covered",
        "share",
    ),
    (
        "Observations of one such pair",
        "the same for one interpretable pair, the median: the paper does not say which it means",
        0.001,
        "cooccurrence.interpretable_median_share",
        "share",
    ),
    (
        "Observations covered by meaningful pairs",
        "share of observations with a pair of consistent codes that meet more often than chance, in two "
        "episodes at least; needs no crops in common, so that every pair can be judged",
        0.001,
        "cooccurrence.observations_covered_meaningful",
        "share",
    ),
    (
        "Observations covered by meaningful sets",
        "the same for sets of three codes and more whose parts all meet more often than chance",
        None,
        "cooccurrence.observations_covered_by_sets",
        "share",
    ),
    (
        "Occurrences confined to one episode",
        "share of the listed pairs of codes (seen together often enough) that one episode alone shows",
        "often",
        "cooccurrence.single_episode_share",
        "share",
    ),
    ("Episodes", "episodes that were analysed", 714, "agent.episodes", "number"),
    ("Transitions", "observations that were analysed", 127_434, "agent.transitions", "number"),
    ("Length of an episode", "mean, in steps", 178.5, "agent.length_mean", "number"),
    ("Return of an episode", "mean, in rewards", None, "agent.return_mean", "number"),
    ("Codebook", "codes in it", 512, "codebook.size", "number"),
    (
        "Agreement with the ground truth",
        "normalised mutual information (the V-measure) of code and the simulator's label under its map (0: "
        "none, 1: all)",
        "not measured",
        "semantics.nmi",
        "number",
    ),
    (
        "Agreement by chance",
        "the same, with labels shuffled",
        "not measured",
        "semantics.nmi_null",
        "number",
    ),
    (
        "Agreement by place alone",
        "the same, with every observation given the labels of another: what follows from where the maps are",
        "not measured",
        "semantics.nmi_place",
        "number",
    ),
    (
        "Agreement without the inventory",
        "the same among maps that lie on the world",
        "not measured",
        "semantics.terrain.nmi",
        "number",
    ),
    (
        "Agreement without the inventory, by place alone",
        "the same, with every observation given the labels of another",
        "not measured",
        "semantics.terrain.nmi_place",
        "number",
    ),
    (
        "Codes that can be named",
        "codes with more of their commonest label under their maps than the same places hold in other "
        "episodes (test that flips whole episodes, corrected over codes and labels)",
        "not measured",
        "semantics.codes_named",
        "number",
    ),
)


def collect_claims(inputs: Inputs) -> list[Claim]:
    """The rows in the order of the page. Raises ArtifactError where the metrics lack one."""
    return [Claim(claim, how, paper, inputs.metric(key), unit) for claim, how, paper, key, unit in _CLAIMS]


def claims_csv(claims: list[Claim]) -> bytes:
    """The table with plain numbers; a cell is empty where nothing is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["claim", "definition", "paper", "ours"])
    for row in claims:
        ours = int(row.ours) if row.ours is not None and row.ours.is_integer() else row.ours
        writer.writerow([row.claim, row.definition, row.paper, ours])
    return text.getvalue().encode()
