"""Figure: training curves of the agent."""

import math

import pandas as pd
from matplotlib.ticker import MaxNLocator

from irislib.report.inputs import Inputs
from irislib.report.plain_names import curve_name
from irislib.report.style import BLUE, ORANGE, SMALL, TEXT, Illustration, new_figure, nothing_to_show
from irislib.report.wording import listed, number, sentence

COLUMNS = 3
HEADING = "Training curves"


def training(inputs: Inputs) -> Illustration:
    """One panel for each logged series: collected experience first, then the losses of each component."""
    curves = inputs.curves.dropna(subset=["value"])
    panels = list(curves.groupby(["component", "loss"], sort=False))
    if not panels:
        reason = "No training curve was logged for this agent."
        return nothing_to_show("training", HEADING, "No training was logged", reason)
    rows = math.ceil(len(panels) / COLUMNS)
    figure = new_figure(0.9 + 1.05 * rows, _title(inputs.curves))
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes, ((component, loss), curve) in zip(grid.flat, panels, strict=False):
        colour, dot = ORANGE if component == "collect" else BLUE, "." if len(curve) < 12 else ""
        axes.plot(curve["epoch"], curve["value"], lw=1.3, color=colour, marker=dot)
        axes.set_title(curve_name(str(component), str(loss)), fontsize=SMALL)
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.tick_params(labelsize=7)
        axes.margins(x=0.03, y=0.12)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    figure.supxlabel("epoch", fontsize=TEXT)
    caption = inputs.say(
        "Losses of each component (lower is better) and the play that was collected (orange), over "
        "{epochs:epoch} and {agent.training_steps:environment step}. In the analysed episodes the trained "
        "agent has a return of {agent.return_mean} ± {agent.return_std} (mean ± standard deviation).",
        epochs=curves["epoch"].nunique(),
    )
    return Illustration("training", HEADING, caption, figure)


def _title(curves: pd.DataFrame) -> str:
    """How the return and the loss of the tokenizer went, where they were logged."""
    parts = []
    known = curves.dropna(subset=["value"])
    for component, series in (("collect", "return"), ("tokenizer", "total")):
        values = known["value"][(known["component"] == component) & (known["loss"] == series)]
        if len(values) > 1:
            name = "the return" if series == "return" else "the loss of the tokenizer"
            parts.append(f"{name} goes from {number(values.iloc[0])} to {number(values.iloc[-1])}")
    return sentence(f"during training {listed(parts)}") if parts else HEADING
