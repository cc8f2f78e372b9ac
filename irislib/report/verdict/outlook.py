"""What would change the answer: the arms of the study with enough seeds to say so."""

from collections.abc import Sequence

from irislib.report.findings import Measured
from irislib.report.study.answers import beyond, changed
from irislib.report.study.arm_words import arm_phrase
from irislib.report.study.results import StudyResults
from irislib.report.study.targets import tokens
from irislib.report.study.worlds import Effect
from irislib.report.verdict.phrases import Phrase, Statement, say
from irislib.report.wording import MINUS, listed, many, number, percent, sentence

ENOUGH = 3  # seeds; an arm with fewer shows nothing
NOT_CHANGES = ("nothing", "no_learning", "alignment")


def outlook(results: StudyResults, elsewhere: Sequence[Effect]) -> list[Statement]:
    """What helps most, the same without learning, what a loss does, and what holds in other worlds.

    Args:
        results: study.csv.
        elsewhere: see `effects`; empty if the study was run in one world.
    """
    if not results:
        return [
            say("Other tokenizers were not studied for this page; make study does it, which takes hours.")
        ]
    helping = {
        arm: results.difference(arm, "recall")
        for arm in results.arms
        if results.varies(arm) not in NOT_CHANGES and _claimed(results, arm)
    }
    better = {arm: change for arm, change in helping.items() if beyond(change) and change.value > 0}
    statements = [_nothing_helps(results)]
    if better:
        best = max(better, key=lambda arm: better[arm].value)
        statements = [*_best(results, best), *_without_learning(results, best)]
    return [*statements, *_losses(results), *_in_all_worlds(elsewhere), _how(results)]


def _claimed(results: StudyResults, arm: str) -> bool:
    """Whether an arm has enough seeds, and is compared with the reference."""
    same = results.compared_with(arm) == results.reference
    return same and results.seeds(arm) >= ENOUGH and results.difference(arm, "recall").known


def _best(results: StudyResults, arm: str) -> list[Statement]:
    """What the best change does to recall, purity and consistency, each beside the reference."""
    base, single = results.reference, percent(results.mean(arm, "purity_base").value)
    counts = [tokens(results, one) for one in (arm, base)]
    cost = f", with {number(counts[0])} tokens a frame instead of {number(counts[1])}" if all(counts) else ""
    recall, purity, alike = (
        [share(results.mean(one, name)) for one in (arm, base)]
        for name in ("recall", "purity", "share_consistent_beyond_place")
    )
    return [
        say(
            f"What helps most: {arm_phrase(arm, results.varies(arm))} (",
            Phrase(_seeds(results, arm), section="study"),
            f"{cost}). The codes then predict {recall[0]} of the tokens of a label, on average over labels; "
            f"with {arm_phrase(base, 'nothing')} they predict {recall[1]}.",
        ),
        say(
            f"Of all tokens, {purity[0]} have the most frequent label of their code; if all had the same "
            f"code, {single} would. Of the codes, {alike[0]} look alike beyond their places, {alike[1]} with "
            f"{arm_phrase(base, 'nothing')}.",
        ),
    ]


def _without_learning(results: StudyResults, arm: str) -> list[Statement]:
    """The best arm that learns no network; nothing if none has enough seeds."""
    plain = [one for one in results.varying("no_learning") if _claimed(results, one)]
    if not plain:
        return []
    best = max(plain, key=lambda one: results.mean(one, "recall").value)
    ours, other = (results.mean(one, "recall") for one in (arm, best))
    apart = ours.low > other.high
    judged = "This needs a network" if apart else "No network is needed for this"
    return [
        say(
            f"{judged}: {arm_phrase(best, 'no_learning')} (",
            Phrase(_seeds(results, best), section="study"),
            f") predicts {share(other)}.",
        )
    ]


def _nothing_helps(results: StudyResults) -> Statement:
    return say(
        f"Nothing that was varied in {number(ENOUGH)} or more seeds is ",
        Phrase("shown to help", section="study"),
        f": with {arm_phrase(results.reference, 'nothing')}, the codes predict "
        f"{share(results.mean(results.reference, 'recall'))} of the tokens of a label, on average over "
        "labels.",
    )


def _losses(results: StudyResults) -> list[Statement]:
    """What a loss that asks for meaning adds, for each arm with enough seeds."""
    statements = []
    for arm in results.varying("alignment"):
        if not _claimed(results, arm):
            continue
        change, psnr = (results.difference(arm, name) for name in ("recall", "psnr_db"))
        verdict = "helps" if change.value > 0 else "harms"
        statements.append(
            say(
                f"{sentence(arm_phrase(arm, 'alignment'))} (",
                Phrase(_seeds(results, arm), section="study"),
                f") {verdict if beyond(change) else 'is not shown to help'}, with as many tokens: recall "
                f"{points(change)}, PSNR {changed(psnr, ' dB')}.",
            )
        )
    return statements


def _in_all_worlds(elsewhere: Sequence[Effect]) -> list[Statement]:
    """What does the same to recall in all worlds; that nothing does only where all is settled."""
    recall = [one for one in elsewhere if one.measure == "recall"]
    held = [one for one in recall if one.direction]
    if not recall or not (held or all(one.settled for one in recall)):
        return []
    one = (held or recall)[0]
    worlds = Phrase(f"all {number(one.worlds)} worlds", section="worlds")
    names = f" that were tried ({listed(list(one.known))})"
    if not held:
        return [say("None of these changes is shown to do the same in ", worlds, f"{names}.")]
    said = listed([f"{one.words} (recall {one.direction})" for one in held])
    return [say("The same in ", worlds, f"{names}: {said}.")]


def share(one: Measured) -> str:
    """A share with its interval, which ends at 0% and at 100%: ``88.7% (85.7% to 91.8%)``."""
    if not one.ranged:
        return percent(one.value)
    low, high = (min(max(end, 0.0), 1.0) for end in (one.low, one.high))
    return f"{percent(one.value)} ({percent(low)} to {percent(high)})"


def points(change: Measured) -> str:
    """A difference of shares in percentage points with its interval: ``+11.6 points (+5.1 to +18.1)``."""
    value, low, high = (f"{100 * end:+.1f}".replace("-", MINUS) for end in _ends(change))
    return f"{value} points ({low} to {high})"


def _ends(one: Measured) -> tuple[float, float, float]:
    return one.value, one.low, one.high


def _seeds(results: StudyResults, arm: str) -> str:
    return many(results.seeds(arm), "seed")


def _how(results: StudyResults) -> Statement:
    return say(
        f"These tokenizers were trained alone, on play of a scripted player in {results.world}, and are "
        "measured where their tokens stand: compare them with each other, not with the agent. Ranges are 95% "
        "intervals over seeds."
    )
