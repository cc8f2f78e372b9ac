"""The claims of the paper beside our numbers, which all come from metrics.json."""

import csv
import io
from dataclasses import dataclass
from typing import Literal

from irislib.report.inputs import Inputs
from irislib.report.published import PAPER_EMPTY_SHARE
from irislib.report.wording import UNDEFINED, number, percent

Unit = Literal["share", "number"]


@dataclass(frozen=True)
class Claim:
    """A row of the table of claims.

    Attributes:
        claim: what is measured.
        definition: how it is measured.
        paper: the value in the paper (arXiv 2407.19532), or its words if it gives no number; None if the
            paper says nothing.
        ours: our value; None if undefined.
        unit: how both values are shown; shares are in [0, 1].
    """

    claim: str
    definition: str
    paper: float | str | None
    ours: float | None
    unit: Unit

    @property
    def paper_shown(self) -> str:
        """The value of the paper as text."""
        return (
            self.paper
            if isinstance(self.paper, str)
            else "—"
            if self.paper is None
            else self._show(self.paper)
        )

    @property
    def ours_shown(self) -> str:
        """Our value as text."""
        return UNDEFINED if self.ours is None else self._show(self.ours)

    def _show(self, value: float) -> str:
        return percent(value) if self.unit == "share" else number(value, 4)


# Claim, definition, value in the paper, key in metrics.json, unit.
_CLAIMS: tuple[tuple[str, str, float | str | None, str, Unit], ...] = (
    (
        "Empty maps, codes in the observation",
        "share of the occurrences (an observation and a code that is in it) whose map has no positive value",
        PAPER_EMPTY_SHARE,
        "empty_share.present_occurrences",
        "share",
    ),
    (
        "Empty maps, all codes",
        "share of all codes in all observations; the map of a code that is not in an observation is empty",
        PAPER_EMPTY_SHARE,
        "empty_share.all_codes_all_steps",
        "share",
    ),
    (
        "Codes with only empty maps",
        "share of the codebook; a code that is never used counts",
        PAPER_EMPTY_SHARE,
        "empty_share.codes_always_empty",
        "share",
    ),
    (
        "Consistent codes, of the tested codes",
        "share of the tested codes whose crops from different episodes are significantly more alike than "
        "size-matched random crops from the same frames: the sign-flip test over episodes is significant "
        "after correction for the number of codes, and the whole 95% interval is above zero",
        "almost none",
        "consistency.share_consistent",
        "share",
    ),
    (
        "Consistent codes, of the codebook",
        "the same codes, as a share of all codes",
        "almost none",
        "consistency.share_of_codebook",
        "share",
    ),
    (
        "Consistent codes above the position baseline",
        "number of consistent codes whose crops are also significantly more alike than crops of other codes "
        "at the same places in other episodes",
        "not measured",
        "consistency.codes_consistent_beyond_place",
        "number",
    ),
    (
        "Observations covered by interpretable pairs",
        "share of the observations in which both codes of an interpretable pair occur. This is a lower "
        "bound: crops are a sample, and a pair without enough crops in common observations cannot be tested",
        0.001,
        "cooccurrence.observations_covered",
        "share",
    ),
    (
        "Observations covered by one interpretable pair",
        "the same for a single interpretable pair (median over pairs); the paper does not say which of the "
        "two it means",
        0.001,
        "cooccurrence.interpretable_median_share",
        "share",
    ),
    (
        "Observations covered by meaningful pairs",
        "share of the observations with a meaningful pair: two consistent codes that occur together "
        "significantly more often than by chance, in at least two episodes. Every pair can be tested, "
        "because no crops in common are needed",
        0.001,
        "cooccurrence.observations_covered_meaningful",
        "share",
    ),
    (
        "Observations covered by meaningful sets",
        "the same for sets of three or more codes, if all parts of the set occur together significantly more "
        "often than by chance",
        None,
        "cooccurrence.observations_covered_by_sets",
        "share",
    ),
    (
        "Frequent pairs in one episode only",
        "share of the frequent pairs of codes that occur together in a single episode only",
        "often",
        "cooccurrence.single_episode_share",
        "share",
    ),
    ("Episodes", "number of analysed episodes", 714, "agent.episodes", "number"),
    ("Transitions", "number of analysed observations", 127_434, "agent.transitions", "number"),
    ("Episode length", "mean number of steps", 178.5, "agent.length_mean", "number"),
    ("Return", "mean sum of the rewards of an episode", None, "agent.return_mean", "number"),
    ("Codebook size", "number of codes", 512, "codebook.size", "number"),
    (
        "Agreement of code and label",
        "normalised mutual information (V-measure) of the code and the simulator's label under its map "
        "(0: independent, 1: each determines the other)",
        "not measured",
        "semantics.nmi",
        "number",
    ),
    (
        "Agreement, shuffled labels",
        "the same after the labels were shuffled: agreement by chance",
        "not measured",
        "semantics.nmi_null",
        "number",
    ),
    (
        "Agreement, position baseline",
        "the same with the labels of other observations at the same places: agreement that follows from the "
        "positions of the maps alone",
        "not measured",
        "semantics.nmi_place",
        "number",
    ),
    (
        "Agreement on the world",
        "the agreement among maps that lie on the world, not on the display",
        "not measured",
        "semantics.world.nmi",
        "number",
    ),
    (
        "Agreement on the world, position baseline",
        "the same with the labels of other observations at the same places",
        "not measured",
        "semantics.world.nmi_place",
        "number",
    ),
    (
        "Codes that can be named",
        "number of codes with significantly more of their most frequent label under their maps than the same "
        "places have in other episodes (sign-flip test over episodes, corrected over codes and labels)",
        "not measured",
        "semantics.codes_named",
        "number",
    ),
)


def collect_claims(inputs: Inputs) -> list[Claim]:
    """The rows in the order of the page. Raises ArtifactError if a number is missing."""
    return [Claim(claim, how, paper, inputs.metric(key), unit) for claim, how, paper, key, unit in _CLAIMS]


def claims_csv(claims: list[Claim]) -> bytes:
    """The table as CSV; a cell is empty if the value is undefined."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["claim", "definition", "paper", "ours"])
    for row in claims:
        ours = int(row.ours) if row.ours is not None and row.ours.is_integer() else row.ours
        writer.writerow([row.claim, row.definition, row.paper, ours])
    return text.getvalue().encode()
