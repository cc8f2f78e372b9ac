"""Makes the tables of the results of the study."""

from pathlib import Path

import click

from irislib.interpret.tables import write_tables
from irislib.study.agent_table import tabulate_agents
from irislib.study.table import tabulate
from stages.common import Command, path_option


@click.command(cls=Command)
@path_option("results", "studies/results", "Folder with the result of each cell.")
@path_option("agents", "studies/agents", "Folder with the result of each whole agent.")
@path_option("out", "reports", "Folder for study.csv and agents.csv.")
def main(results: Path, agents: Path, out: Path) -> None:
    """Writes study.csv, every measure of every arm with an interval over the seeds, and agents.csv."""
    write_tables(out, {"study": tabulate(results), "agents": tabulate_agents(agents)})


if __name__ == "__main__":
    main()
