"""Figure: what happens to the codes along training."""

from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, PercentFormatter

from irislib.report.figures.study.study_meaning import NOTHING
from irislib.report.inputs import Inputs
from irislib.report.plain_names import measure_name
from irislib.report.study.arm_words import arm_name
from irislib.report.study.results import StudyResults
from irislib.report.style import PALETTE, Illustration, mark, new_figure, nothing_to_show
from irislib.report.wording import number, percent

HEADING = "What happens along training?"
MEASURES = ("recall", "nmi_beyond_place", "locality_above_chance", "psnr_db")
SHAPES = ("o", "s", "^", "D", "v", "P", "<", "X")


def study_training(inputs: Inputs) -> Illustration:
    """Measures after more and more gradient steps, for the arms that were measured on the way."""
    return draw(inputs.study)


def draw(results: StudyResults) -> Illustration:
    """The same from the table study.csv."""
    arms = [arm for arm in results.arms if len(results.steps(arm)) > 1]
    if not arms:
        reason = "No arm was measured before its training ended." if results else NOTHING
        return nothing_to_show("study_training", HEADING, "Nothing was measured along training", reason)
    figure = new_figure(4.4, _title(results, arms))
    grid = figure.subplots(2, 2, sharex=True)
    for axes, measure in zip(grid.flat, MEASURES, strict=True):
        for arm, colour, shape in zip(arms, PALETTE, SHAPES, strict=False):
            _line(axes, results, arm, measure, colour, shape)
        axes.set_xscale("log")
        axes.set(title=measure_name(measure).replace("\n", " "))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(lambda steps, _: number(steps))
        if measure != "psnr_db":
            axes.yaxis.set_major_formatter(PercentFormatter(1))
            axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    for axes in grid[1]:
        axes.set_xlabel("gradient steps (log scale)")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    caption = (
        "The same tokenizer after more and more gradient steps; means over seeds, shaded: 95% intervals. A "
        "measure that is flat at the right end would hardly change if the tokenizer learned longer."
    )
    names = {arm: arm_name(arm) for arm in arms}
    return Illustration("study_training", HEADING, caption, figure, names=names)


def _title(results: StudyResults, arms: list[str]) -> str:
    """How the recall of the arm that was measured longest rises."""
    arm = max(arms, key=lambda one: (len(results.steps(one)), results.steps(one)))
    first, last = (results.steps(arm)[place] for place in (0, -1))
    before, after = (results.mean(arm, "recall", steps) for steps in (first, last))
    if not (before.known and after.known):
        return HEADING
    times = number(last / first if first else float("nan"))
    return (
        f"{arm_name(arm)}: with {times} times as many gradient steps the recall of labels goes from "
        f"{percent(before.value)} to {percent(after.value)}"
    )


def _line(
    axes: Axes, results: StudyResults, arm: str, measure: str, colour: tuple[float, ...], shape: str
) -> None:
    steps = [one for one in results.steps(arm) if one > 0 and results.mean(arm, measure, one).known]
    found = [results.mean(arm, measure, one) for one in steps]
    values = [one.value for one in found]
    axes.plot(steps, values, color=colour, lw=1.2)
    dots = axes.scatter(steps, values, s=15, color=colour, marker=shape, lw=0, zorder=3, label=arm_name(arm))
    mark(dots, "arm", [arm] * len(steps))
    low, high = [one.low for one in found], [one.high for one in found]
    axes.fill_between(steps, low, high, color=colour, alpha=0.15, lw=0)
