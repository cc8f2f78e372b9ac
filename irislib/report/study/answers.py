"""The sentences that answer each question of the study, written from its table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from irislib.report.findings import Measured
from irislib.report.study.arm_words import FACTORS, arm_phrase, quoted
from irislib.report.study.results import StudyResults
from irislib.report.study.targets import meeting
from irislib.report.wording import listed, many, number, percent, signed

# In the order of the text.
CAUSES = ("quantizer", "codebook_size", "revival", "receptive_field", "grid", "training")
MEASURES = {"recall": "the mean recall over labels", "nmi_beyond_place": "the NMI beyond place"}
SIZES = (1, 2, 4, 8)  # of sets of codes that labels are read by


@dataclass(frozen=True)
class Answer:
    """A question of the study, and the sentences that answer it."""

    question: str
    sentences: list[str]

    @property
    def text(self) -> str:
        """The sentences as a paragraph."""
        return " ".join(self.sentences)


def answers(results: StudyResults) -> list[Answer]:
    """The questions in the order of the page; none without results."""
    if not results:
        return []
    written: tuple[tuple[str, Callable[[StudyResults], list[str]]], ...] = (
        ("Is it VQ, the architecture, or the training?", _causes),
        ("Does alignment help, and what does it cost?", _alignment),
        ("How many codes must be read to know a label?", _reading),
        ("What happens along training?", _training),
        ("Is there a codebook that means something?", meeting),
    )
    return [Answer(question, write(results)) for question, write in written]


def changed(one: Measured, unit: str = "") -> str:
    """A difference with its interval: ``+0.052 (+0.031 to +0.073)``."""
    ends = f" ({signed(one.low)} to {signed(one.high)})" if one.ranged else ""
    return f"{signed(one.value)}{unit}{ends}" if one.known else "an unknown amount"


def beyond(one: Measured) -> bool:
    """Whether the whole interval of a difference lies on one side of zero."""
    return one.ranged and (one.low > 0 or one.high < 0)


def _causes(results: StudyResults) -> list[str]:
    base = results.reference
    own = [f"{words} is {results.mean(base, key).shown}" for key, words in MEASURES.items()]
    text = [f"With {arm_phrase(base, 'nothing')} ({many(results.seeds(base), 'seed')}), {listed(own)}."]
    rises: list[tuple[float, str]] = []
    for factor in CAUSES:
        words = FACTORS[factor]
        found = {arm: results.difference(arm, "recall") for arm in results.varying(factor)}
        changes = {arm: change for arm, change in found.items() if change.known}
        if not changes:
            continue
        ordered = sorted(changes, key=lambda arm: changes[arm].value)
        extremes = dict.fromkeys([ordered[0], ordered[-1]])
        ends = [f"{changed(changes[arm])} in {_named(results, arm)}" for arm in extremes]
        text.append(f"With {words}, the recall changes by {' to '.join(ends)}; {_apart(changes.values())}.")
        best = ordered[-1]
        if beyond(changes[best]) and changes[best].value > 0:
            rises.append((changes[best].value, f"{words}: {_named(results, best)}, {changed(changes[best])}"))
    if rises:
        return [*text, f"The largest rise comes with {max(rises)[1]}."]
    return [*text, "Nothing that was varied is shown to raise the recall."]


def _named(results: StudyResults, arm: str) -> str:
    """The name of an arm, and of the arm that it is compared with where that is not the reference."""
    other = results.compared_with(arm)
    return quoted(arm) if other == results.reference else f"{quoted(arm)} (against {quoted(other)})"


def _apart(changes: Iterable[Measured]) -> str:
    """How many changes are not zero, among those that have an interval."""
    sure = [change for change in changes if change.ranged]
    if not sure:
        return "there are too few seeds for an interval"
    return (
        f"the interval leaves out zero in {number(sum(map(beyond, sure)))} of {many(len(sure), 'arm')} that "
        f"{'has' if len(sure) == 1 else 'have'} one"
    )


def _alignment(results: StudyResults) -> list[str]:
    arms = results.varying("alignment")
    if not arms:
        return ["No arm asks its codes for more than the reconstruction."]
    text = []
    for arm in arms:
        recall, consistent, psnr = (
            results.difference(arm, name) for name in ("recall", "share_consistent_beyond_place", "psnr_db")
        )
        verdict = "does not show that it helps" if recall.ranged else "has too few seeds to tell"
        if beyond(recall):
            verdict = "helps" if recall.value > 0 else "harms"
        text.append(
            f"The arm {_named(results, arm)} {verdict}: the recall changes by {changed(recall)}, the share "
            f"of consistent codes by {changed(consistent)}, and the reconstruction by "
            f"{changed(psnr, ' dB')}."
        )
    text.append(
        "Where labels taught the codes, recall and purity are what was taught; the consistency is judged "
        "by an embedder that no label taught."
    )
    return text


def _reading(results: StudyResults) -> list[str]:
    def coverage(arm: str, size: int) -> Measured:
        return results.mean(arm, f"reading_coverage.{size}")

    known = [arm for arm in results.arms if coverage(arm, 1).known]
    if not known:
        return ["No arm has labels that are frequent enough to be read."]
    learned = [arm for arm in known if results.varies(arm) != "no_learning"] or known
    best = max(learned, key=lambda arm: coverage(arm, 1).value)
    text = ["A label is read where one of a few codes stands, if the F1 of that is at least 0.9."]
    for arm in dict.fromkeys([results.reference, best]):
        shares = [f"{percent(coverage(arm, size).value)} with {number(size)}" for size in SIZES]
        text.append(
            f"In {quoted(arm)}, labels that are read cover these shares of the tokens: {listed(shares)}."
        )
    enough = [min((size for size in SIZES if coverage(arm, size).value >= 0.5), default=0) for arm in known]
    text.append(
        f"One code is enough for half of the tokens in {number(enough.count(1))} of "
        f"{many(len(known), 'arm')}, and in {number(enough.count(0))} not even {number(SIZES[-1])} codes "
        "are."
    )
    return text


def _training(results: StudyResults) -> list[str]:
    arms = [arm for arm in results.arms if len(results.steps(arm)) > 1]
    if not arms:
        return ["No arm was measured before its training ended."]
    text = []
    for arm in arms:
        first, *_, last = steps = results.steps(arm)
        looked = dict.fromkeys([first, steps[-2], last])
        recall = [f"{results.mean(arm, 'recall', one).shown} after {many(one, 'step')}" for one in looked]
        psnr = [number(results.mean(arm, "psnr_db", one).value) for one in looked]
        text.append(f"In {quoted(arm)}, the recall is {listed(recall)}; the PSNR is {listed(psnr)} dB.")
    return text
