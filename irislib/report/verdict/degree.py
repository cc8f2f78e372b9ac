"""From numbers to yes, partly, mostly no, or no: the only place with these rules."""

from enum import IntEnum

from irislib.report.findings import Finding, Rivalry

PARTLY = 0.1  # of the tested codes; with fewer the answer is at most "mostly no"
MOST = 0.5  # of the tested codes; with fewer the answer is at most "partly"


class Degree(IntEnum):
    """How far the codes mean something, in ascending order."""

    UNKNOWN = 0
    NO = 1
    MOSTLY_NO = 2
    PARTLY = 3
    YES = 4

    @property
    def words(self) -> str:
        """As a heading."""
        return _WORDS[self]


_WORDS = {
    Degree.UNKNOWN: "Not known: too little was recorded",
    Degree.NO: "No",
    Degree.MOSTLY_NO: "Mostly no",
    Degree.PARTLY: "Partly",
    Degree.YES: "Yes",
}


def degree(found: Finding, tested: float, rival: Rivalry | None) -> Degree:
    """How far the codes mean something by one kind of finding.

    - Not known: no code could be tested.
    - No: no code is listed, that is, confirmed by more than half of the divisions.
    - Mostly no: fewer than `PARTLY` of the tested codes are listed, or the range of the confirmed number
      reaches down to chance.
    - Yes: at least `MOST` of them are listed, and more are confirmed than in the best baseline.
    - Partly: all else.

    Args:
        found: the numbers of the finding.
        tested: how many codes could be tested.
        rival: the best baseline; None if there is none, and then the answer is at most "partly".
    """
    if not tested:
        return Degree.UNKNOWN
    if not found.holds:
        return Degree.NO
    if found.holds < PARTLY * tested or not found.beyond_chance:
        return Degree.MOSTLY_NO
    better = rival is not None and rival.verdict > 0
    return Degree.YES if found.holds >= MOST * tested and better else Degree.PARTLY
