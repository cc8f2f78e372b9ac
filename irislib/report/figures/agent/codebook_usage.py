"""Figure: how often each code of the codebook is used."""

import numpy as np
from matplotlib.ticker import NullFormatter

from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, INK, PALE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import number

HEADING = "How much of the codebook is used"


def codebook_usage(inputs: Inputs) -> Illustration:
    """Number of uses of every code, most used first, on a log scale."""
    title = inputs.say(
        "{codebook.used:of codebook.size code} occurred; their use is as varied as that of "
        "{codebook.perplexity} codes used equally often"
    )
    uses = np.sort(inputs.codes["uses"].to_numpy())[::-1]
    active = int((uses > 0).sum())
    if active == 0:
        return nothing_to_show("codebook_usage", HEADING, title, "No code occurs in the observations.")
    figure = new_figure(3.2, title)
    axes = figure.subplots()
    ranks, label = np.arange(1, active + 1), f"used codes: {active}"
    axes.plot(ranks, uses[:active], color=BLUE, lw=1.6, marker="." if active < 60 else "", label=label)
    if active < len(uses):
        label = f"codes that are never used: {len(uses) - active}"
        axes.axvspan(active + 0.5, len(uses) + 0.5, color=PALE, lw=0, label=label)
    label = f"if all were used equally: {number(uses.mean())}"
    axes.axhline(uses.mean(), color=INK, lw=1, ls="--", label=label)
    axes.set(
        yscale="log", xlabel="rank of the code, most used first", ylabel="uses (token positions, log scale)"
    )
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(lambda count, _: number(count))
    axes.set(xlim=(0.5, len(uses) + 0.5), ylim=(max(0.7, uses[active - 1] / 2), uses[0] * 2))
    figure.legend(loc="outside lower center", ncols=2)
    caption = inputs.say(
        "How often each code occurs in the recorded observations; on average an observation has "
        "{codebook.codes_per_observation} different codes. The perplexity of their use is "
        "{codebook.perplexity}."
    )
    return Illustration("codebook_usage", HEADING, caption, figure)
