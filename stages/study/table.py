"""Makes the tables of the results of the study."""

from pathlib import Path

import click

from irislib.interpret.tables import write_tables
from irislib.study.agent_table import tabulate_agents
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
@path_option("out", "reports", "Folder for study.csv, worlds.csv and agents.csv.")
def main(params: Path, study: Path, results: Path, worlds: Path, agents: Path, out: Path) -> None:
    """Writes every measure of every arm with an interval over the seeds, and agents.csv.

    study.csv has the arms of the study, worlds.csv those in other worlds.
    """
    world, _ = read_play(params, study)
    tables = {"study": tabulate(results, world.world), "worlds": tabulate_worlds(worlds)}
    write_tables(out, tables | {"agents": tabulate_agents(agents)})


if __name__ == "__main__":
    main()
