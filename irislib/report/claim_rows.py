"""What stands in the two tables of claims: definitions, values of the paper, and keys of our values."""

from dataclasses import dataclass
from typing import Literal

from irislib.report.published import PAPER_EMPTY_SHARE, PAPER_PAIR_SHARE


@dataclass(frozen=True)
class Row:
    """A row of a table of claims; see `Claim`.

    Attributes:
        key: of our value in the metrics; empty if the paper does not define its own.
        per: key of the number that our value and its range are divided by, if any.
        low, high: keys of the range of our value, if it has one.
    """

    claim: str
    definition: str
    paper: float | str | None
    key: str
    unit: Literal["share", "number"] = "number"
    per: str = ""
    low: str = ""
    high: str = ""


# The paper's value stands only beside our value of the same definition. Where the paper does not define what
# it counts, our cell says so, and our readings of it are among our own numbers.
PAPER_ROWS = (
    Row(
        "Empty maps",
        "share of the heatmaps of Grad-CAM that have no positive value. The paper does not say which "
        "heatmaps it counts; three ways to count are among our own numbers",
        PAPER_EMPTY_SHARE,
        "",
        "share",
    ),
    Row(
        "Consistent codes, against random boxes",
        "share of the tested codes whose crops are more alike than random boxes of the same frames. The "
        "paper does not name its test; here a code counts if crops from different episodes are more alike, "
        "confirmed on the other half of the episodes",
        "almost none",
        "random.confirmed",
        "share",
        per="random.tested",
        low="random.low",
        high="random.high",
    ),
    Row(
        "Observations with an interpretable pair",
        "share of the observations that interpretable pairs of codes cover. The paper does not say when a "
        "pair is interpretable; our own pairs are defined in another way",
        PAPER_PAIR_SHARE,
        "",
        "share",
    ),
    Row("Episodes", "number of analysed episodes", 714, "agent.episodes"),
    Row("Transitions", "number of analysed observations", 127_434, "agent.transitions"),
    Row("Episode length", "mean number of steps", 178.5, "agent.length_mean"),
    Row("Codebook size", "number of codes", 512, "codebook.size"),
)
OWN_ROWS = (
    Row(
        "Empty maps, codes in the observation",
        "share of the occurrences (an observation and a code that is in it) whose Grad-CAM map has no "
        "positive value",
        None,
        "empty_share.present_occurrences",
        "share",
    ),
    Row(
        "Codes with only empty maps",
        "share of the codebook; a code that is never used counts",
        None,
        "empty_share.codes_always_empty",
        "share",
    ),
    Row(
        "Empty maps, all codes",
        "share of all codes in all observations; the map of a code that is not in an observation is empty",
        None,
        "empty_share.all_codes_all_steps",
        "share",
    ),
    Row(
        "Consistent codes, against the same places in other episodes",
        "share of the tested codes whose crops are more alike than the same boxes in other episodes, at the "
        "same step and in the same part of the day; confirmed on the other half of the episodes",
        None,
        "consistency.confirmed",
        "share",
        per="consistency.tested",
        low="consistency.low",
        high="consistency.high",
    ),
    Row(
        "Codes with a name",
        "number of codes whose maps show more of a label than the same places do in other episodes, at the "
        "same step and in the same part of the day; confirmed on the other half of the episodes",
        None,
        "names.confirmed",
        low="names.low",
        high="names.high",
    ),
    Row(
        "Codes that tell an item",
        "number of codes that occur when there is more, or less, of an item than in other episodes at the "
        "same step; confirmed on the other half of the episodes",
        None,
        "items.confirmed",
        low="items.low",
        high="items.high",
    ),
    Row(
        "Pairs of codes",
        "number of pairs of consistent codes that occur together more often than at the same steps of other "
        "episodes; confirmed on the other half of the episodes",
        None,
        "pairs.confirmed",
        low="pairs.low",
        high="pairs.high",
    ),
    Row(
        "Observations covered by pairs",
        "share of the observations in which the player is awake and a pair occurs that most divisions of the "
        "episodes confirm",
        None,
        "pairs.covered",
        "share",
    ),
    Row(
        "Observations covered by sets",
        "the same for sets of three or more codes",
        None,
        "sets.covered",
        "share",
    ),
    Row(
        "Agreement of code and label, on the world",
        "normalised mutual information (V-measure) of the code and the simulator's label under its map, "
        "while the player is awake (0: independent, 1: each determines the other)",
        None,
        "world.nmi",
        low="world.nmi_low",
        high="world.nmi_high",
    ),
    Row(
        "The same, by chance",
        "with shuffled labels",
        None,
        "world.nmi_null",
    ),
    Row(
        "The same, by place and time",
        "with the labels that the same places have at the same steps of other episodes",
        None,
        "world.nmi_place",
    ),
    Row(
        "Purity, on the world",
        "share of the maps whose label is the most frequent one of their code",
        None,
        "world.purity",
        "share",
        low="world.purity_low",
        high="world.purity_high",
    ),
    Row(
        "The same, by place and time",
        "with the labels that the same places have at the same steps of other episodes",
        None,
        "world.purity_place",
        "share",
    ),
    Row(
        "The most frequent label",
        "share of the maps with the most frequent label of all: the purity of a single code that is "
        "everywhere",
        None,
        "world.purity_base",
        "share",
    ),
    Row("Return", "mean sum of the rewards of an episode", None, "agent.return_mean"),
    Row(
        "Hidden",
        "share of the observations that hide the world, as a sleeping player's do",
        None,
        "strata.hidden",
        "share",
    ),
    Row(
        "Night",
        "share of the observations that show the world at night",
        None,
        "strata.night",
        "share",
    ),
)
