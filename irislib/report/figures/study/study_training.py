"""Figure: what happens to the codes along training."""

from matplotlib.axes import Axes

from irislib.report.figures.study.study_meaning import NOTHING
from irislib.report.inputs import Inputs
from irislib.report.study.results import StudyResults
from irislib.report.style import PALETTE, Illustration, new_figure, nothing_to_show

HEADING = "What happens along training?"
MEASURES = {
    "recall": "recall, mean over labels",
    "nmi_beyond_place": "NMI beyond place",
    "locality_above_chance": "locality above chance",
    "psnr_db": "PSNR, dB",
}


def study_training(inputs: Inputs) -> Illustration:
    """Measures after more and more gradient steps, for the arms that were measured on the way."""
    return draw(inputs.study)


def draw(results: StudyResults) -> Illustration:
    """The same from the table study.csv."""
    arms = [arm for arm in results.arms if len(results.steps(arm)) > 1]
    if not arms:
        reason = "No arm was measured before its training ended." if results else NOTHING
        return nothing_to_show("study_training", HEADING, "Nothing was measured along training", reason)
    figure = new_figure(9.5, 2.9, HEADING)
    for axes, (measure, label) in zip(figure.subplots(1, len(MEASURES)), MEASURES.items(), strict=True):
        for arm, colour in zip(arms, PALETTE, strict=False):
            _line(axes, results, arm, measure, colour)
        axes.set_xscale("log")
        axes.set(xlabel="gradient steps", title=label)
    axes.legend(loc="lower right")
    caption = (
        "The same tokenizer after more and more gradient steps; means over seeds, shaded: 95% intervals. A "
        "measure that is flat at the right end would not change if the tokenizer learned longer."
    )
    return Illustration("study_training", HEADING, caption, figure)


def _line(axes: Axes, results: StudyResults, arm: str, measure: str, colour: tuple[float, ...]) -> None:
    steps = [one for one in results.steps(arm) if one > 0]
    found = [results.mean(arm, measure, one) for one in steps]
    axes.plot(steps, [one.value for one in found], "o-", color=colour, ms=3.5, lw=1.3, label=arm)
    low, high = [one.low for one in found], [one.high for one in found]
    axes.fill_between(steps, low, high, color=colour, alpha=0.15, lw=0)
