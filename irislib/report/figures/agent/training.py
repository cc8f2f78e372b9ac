"""Figure: training curves of the agent."""

import math

from matplotlib.ticker import MaxNLocator

from irislib.report.inputs import Inputs
from irislib.report.style import BLUE, ORANGE, Illustration, new_figure, nothing_to_show

COLUMNS = 4
HEADING = "Training curves"
TITLE = "Training: losses of each component, and the experience that was collected"
UNITS = {"return": " (rewards)", "length": " (steps)", "perplexity": " (codes)"}


def training(inputs: Inputs) -> Illustration:
    """One panel for each logged series: collected experience first, then the losses of each component."""
    curves = inputs.curves.dropna(subset=["value"])
    panels = list(curves.groupby(["component", "loss"], sort=False))
    if not panels:
        return nothing_to_show("training", HEADING, TITLE, "No training curve was logged for this agent.")
    rows = math.ceil(len(panels) / COLUMNS)
    figure = new_figure(10, 0.9 + 1.75 * rows, TITLE)
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes, ((component, loss), curve) in zip(grid.flat, panels, strict=False):
        look = {"color": ORANGE if component == "collect" else BLUE, "marker": "." if len(curve) < 12 else ""}
        axes.plot(curve["epoch"], curve["value"], lw=1.3, **look)
        axes.set_title(f"{component}: {loss}{UNITS.get(loss, '')}".replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.tick_params(labelsize=7.5)
        axes.margins(x=0.03, y=0.12)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    figure.supxlabel("epoch", fontsize=9.5)
    figure.supylabel("value", fontsize=9.5)
    caption = inputs.say(
        "Training curves over {epochs:epoch} and {agent.training_steps:environment step}. In the analysed "
        "episodes the trained agent has a return of {agent.return_mean} ± {agent.return_std} (mean ± "
        "standard deviation).",
        epochs=curves["epoch"].nunique(),
    )
    return Illustration("training", HEADING, caption, figure)
