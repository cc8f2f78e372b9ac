"""Which arms have a codebook that means something, by the study's own targets."""

import math

from irislib.report.study.arm_words import quoted
from irislib.report.study.results import StudyResults
from irislib.report.wording import listed, many, number, percent, signed

# Smallest values with which the codes of an arm count as meaningful, on held-out episodes.
LEAST = {"share_consistent_beyond_place": 0.8, "purity": 0.9, "recall": 0.8}
WORDS = {
    "share_consistent_beyond_place": "of the codes consistent",
    "purity": "purity",
    "recall": "mean recall",
}
TOKENS = 16  # with so few tokens a token covers several things, and the target is another one
TIMES, LOSS_DB = 2.0, 0.5  # of the reference's NMI beyond place; of its PSNR


def meeting(results: StudyResults) -> list[str]:
    """Which arms meet the targets, and by how much the best of the others misses them."""
    arms = [arm for arm in results.arms if results.varies(arm) not in ("nothing", "no_learning")]
    asked = listed([f"at least {percent(least)} {WORDS[name]}" for name, least in LEAST.items()])
    text = [
        f"A codebook counts as meaningful here with {asked}, and a PSNR no lower than that of "
        f"{quoted(results.reference)}."
    ]
    met = [arm for arm in arms if not missed(results, arm)]
    if met:
        names = listed([_seen(results, arm) for arm in met])
        text.append(f"{names} {'meets' if len(met) == 1 else 'meet'} all of this.")
    elif arms:
        nearest = min(arms, key=lambda arm: len(missed(results, arm)))
        text.append(
            f"No arm meets all of this. The nearest is {_seen(results, nearest)}, with "
            f"{listed(missed(results, nearest))}."
        )
    few = [arm for arm in arms if tokens(results, arm) == TOKENS]
    if few:
        text += _with_few_tokens(results, few)
    return text


def _seen(results: StudyResults, arm: str) -> str:
    """The name of an arm with its number of seeds: one seed alone may meet a target by chance."""
    return f"{quoted(arm)} ({many(results.seeds(arm), 'seed')})"


def missed(results: StudyResults, arm: str) -> list[str]:
    """The targets that an arm misses, in words with its numbers."""
    found = []
    for name, least in LEAST.items():
        value = results.mean(arm, name).value
        if not value >= least:
            found.append(f"{percent(value)} {WORDS[name]}")
    gain = _gained_db(results, arm)
    return found if gain >= 0 else [*found, f"a PSNR changed by {signed(gain)} dB"]


def _gained_db(results: StudyResults, arm: str) -> float:
    """How much higher the PSNR is than that of the reference arm."""
    value, reference = (results.mean(one, "psnr_db").value for one in (arm, results.reference))
    return value - reference


def tokens(results: StudyResults, arm: str) -> int:
    """Tokens a frame, from the bits and the number of codes; 0 where unknown."""
    bits, codes = (results.mean(arm, name).value for name in ("bits_per_frame", "codes"))
    return round(bits / math.log2(codes)) if bits > 0 and codes > 1 else 0


def _with_few_tokens(results: StudyResults, arms: list[str]) -> list[str]:
    base = results.mean(results.reference, "nmi_beyond_place")

    def good(arm: str) -> bool:
        gained = results.mean(arm, "nmi_beyond_place").value >= TIMES * base.value
        return gained and _gained_db(results, arm) >= -LOSS_DB

    best = max(arms, key=lambda arm: results.mean(arm, "nmi_beyond_place").value)
    found = listed([_seen(results, arm) for arm in arms if good(arm)])
    text = (
        f"Of the arms with {TOKENS} tokens a frame, {found or 'none'} "
        f"reaches on average {number(TIMES)} times the NMI beyond place of {quoted(results.reference)}, "
        f"{base.shown}, at a loss of at most {number(LOSS_DB)} dB"
    )
    most, gain = results.mean(best, "nmi_beyond_place"), _gained_db(results, best)
    text += f"; the largest is that of {_seen(results, best)}: {most.shown}, at {signed(gain)} dB."
    return [text, *_after_as_many_steps(results, arms)]


def _after_as_many_steps(results: StudyResults, arms: list[str]) -> list[str]:
    """Sentences that compare arms with the reference where both learned longer than it usually does."""
    shown, usual = [], results.steps(results.reference)
    for longer in results.varying("training"):
        for arm in arms:
            steps = results.steps(arm)[-1]
            if arm == longer or steps in usual or steps not in results.steps(longer):
                continue
            nmi, psnr = (
                [results.mean(one, name, steps).value for one in (arm, longer)]
                for name in ("nmi_beyond_place", "psnr_db")
            )
            shown.append(
                f"After {many(steps, 'gradient step')}, {quoted(arm)} has an NMI beyond place of "
                f"{number(nmi[0])} at {number(psnr[0])} dB, and {quoted(longer)} "
                f"{number(nmi[1])} at {number(psnr[1])} dB."
            )
    return shown
