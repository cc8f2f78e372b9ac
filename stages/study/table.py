"""Makes the tables of the results of the study."""

from pathlib import Path

import click

from irislib.interpret.tables import write_tables
from irislib.study.agent_table import tabulate_agents, tabulate_curves
from irislib.study.play import read_play
from irislib.study.table import tabulate, tabulate_worlds
from stages.common import Command, params_option, path_option
from stages.study.options import study_option


@click.command(cls=Command)
@params_option
@study_option
@path_option("results", "studies/results", "Folder with the result of each cell.")
@path_option("worlds", "studies/worlds", "Folder with the results in other worlds.")
@path_option("agents", "studies/agents", "Folder with the result of each whole agent.")
@path_option("out", "reports", "Folder for the tables.")
def main(params: Path, study: Path, results: Path, worlds: Path, agents: Path, out: Path) -> None:
    """Writes every measure of every arm with an interval over the seeds, and the tables of the agents.

    study.csv has the arms of the study, worlds.csv those in other worlds; agents.csv has the whole agents,
    and agent_curves.csv how they learned.
    """
    world, _ = read_play(params, study)
    tables = {"study": tabulate(results, world.world), "worlds": tabulate_worlds(worlds)}
    tables |= {"agents": tabulate_agents(agents), "agent_curves": tabulate_curves(agents)}
    write_tables(out, tables)


if __name__ == "__main__":
    main()
