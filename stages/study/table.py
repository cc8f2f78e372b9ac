"""Makes one table of the results of the study."""

from pathlib import Path

import click

from irislib.interpret.tables import write_tables
from irislib.study.table import tabulate
from stages.common import Command, path_option


@click.command(cls=Command)
@path_option("results", "studies/results", "Folder with the result of each cell.")
@path_option("out", "reports", "Folder for study.csv.")
def main(results: Path, out: Path) -> None:
    """Writes study.csv: every measure of every arm, with an interval over the seeds."""
    write_tables(out, {"study": tabulate(results)})


if __name__ == "__main__":
    main()
