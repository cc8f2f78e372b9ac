"""Figure: whether the whole agents learned, and how fast."""

from itertools import groupby
from operator import itemgetter

from matplotlib.axes import Axes

from irislib.report.findings import Measured
from irislib.report.inputs import Inputs
from irislib.report.study.answers import beyond
from irislib.report.study.whole_agents import WholeAgents, lead
from irislib.report.style import INK, PALETTE, Illustration, new_figure, nothing_to_show
from irislib.report.wording import listed, number
from irislib.worlds.names import world_name

HEADING = "Did the agents learn?"
HEADROOM = 0.35  # of the curves' height, for the legend
CAPTION = (
    "Mean return of the episodes that each agent played to learn from, by the steps of the world that it had "
    "played; one line for each seed. The dashed line is the mean return of random actions."
)


def study_agents(inputs: Inputs) -> Illustration:
    """Learning curves of the whole agents, a panel for each world."""
    return draw(inputs.agents)


def draw(agents: WholeAgents) -> Illustration:
    """The same from the tables of the agents."""
    if not agents:
        reason = "No whole agent was trained for the study; make study does it."
        return nothing_to_show("study_agents", HEADING, "No whole agent was trained for the study", reason)
    worlds = list(dict.fromkeys(world for world, _, _ in agents.each()))
    figure = new_figure(2.8, _title(agents))
    for axes, world in zip(figure.subplots(1, len(worlds), squeeze=False)[0], worlds, strict=True):
        _draw(axes, agents, world)
    return Illustration("study_agents", HEADING, CAPTION, figure)


def _title(agents: WholeAgents) -> str:
    """Which agents play better than random actions: of each world the one that others are compared with."""
    leads: dict[str, dict[str, Measured]] = {}  # by the agent's name and by world
    for world, its in groupby(agents.each(), key=itemgetter(0)):
        _, agent, rows = next(its)
        name = "IRIS" if agent == agents.reference(world) else agent
        leads.setdefault(name, {})[world_name(world)] = lead(rows)
    return "; ".join(_judged(name, of) for name, of in leads.items())


def _judged(name: str, leads: dict[str, Measured]) -> str:
    learned = [world for world, one in leads.items() if beyond(one) and one.value > 0]
    rest = [world for world in leads if world not in learned]
    if not learned:
        return f"{name} is not shown to play better than random actions in {listed(rest)}"
    but = f", and is not shown to in {listed(rest)}" if rest else ""
    return f"{name} plays better than random actions in {listed(learned)}{but}"


def _draw(axes: Axes, agents: WholeAgents, world: str) -> None:
    of = [(agent, rows) for name, agent, rows in agents.each() if name == world]
    for (agent, rows), colour in zip(of, PALETTE, strict=False):
        curves = agents.curves.query("world == @world and agent == @agent")
        for seed in rows["seed"]:
            curve = curves[curves["seed"] == seed]
            label = agent if seed == rows["seed"].iloc[0] else None
            axes.plot(curve["step"], curve["return_mean"], color=colour, lw=1.2, label=label)
    chance = agents.table[agents.table["world"] == world]["random_mean"].mean()
    axes.axhline(chance, color=INK, lw=1, ls="--", label="random actions")
    axes.set(title=world_name(world), xlabel="steps of the world", ylabel="return")
    axes.locator_params("x", nbins=4)
    axes.xaxis.set_major_formatter(lambda steps, _: number(steps))
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + HEADROOM * (high - low))
    axes.legend(loc="upper left", ncol=2, columnspacing=1)
