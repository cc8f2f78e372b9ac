"""The numbers in README.md: lines between two markers, written from the metrics."""

from pathlib import Path

from irislib.errors import IrislibError
from irislib.report.tables import read_metrics
from irislib.report.wording import Prose, sentence

BEGIN, END = "<!-- numbers -->\n", "<!-- end of numbers -->\n"

_LINES = (
    "{consistency.codes_consistent:of consistency.codes_tested tested code} "
    "({consistency.share_consistent:%}) passed the consistency test: what the code highlights is "
    "significantly more alike than random parts of the frames. "
    "{consistency.codes_consistent_beyond_place:code} passed a stricter test against other codes at the same "
    "places. The paper: almost none.",
    "{empty_share.present_occurrences:%} of the heatmaps of codes that are in the observation are empty, and "
    "{empty_share.all_codes_all_steps:%} if all codes count in all observations. The paper: 90%, and it does "
    "not say which heatmaps it counts.",
    "{cooccurrence.pairs_meaningful:of cooccurrence.pairs_tested frequent pair} of codes passed as "
    "meaningful; they cover {cooccurrence.observations_covered_meaningful:%} of the observations. The paper: "
    "0.1%.",
)


def write_numbers(reports: Path) -> str:
    """The lines as a list in Markdown. Raises ArtifactError if a number is missing."""
    prose = Prose(read_metrics(reports).get)
    return "".join(f"- {sentence(prose.format(line))}\n" for line in _LINES)


def renew(text: str, reports: Path) -> str:
    """The README with its numbers renewed.

    Args:
        text: the README, with both markers once.
        reports: folder with metrics.json and details.json.

    Raises:
        IrislibError: the README lacks a marker.
        ArtifactError: a number is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise IrislibError(f"README.md: has no line {(BEGIN if not begin else END).strip()!r}")
    return f"{before}{BEGIN}{write_numbers(reports)}{END}{after}"
