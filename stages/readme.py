"""Renews the numbers in README.md."""

from pathlib import Path

import click

from irislib.artifacts import write_atomically
from irislib.report.readme import renew
from stages.common import Command, path_option


@click.command(cls=Command)
@path_option("reports", "reports", "Folder with metrics.json, details.json and baselines.csv.")
def main(reports: Path) -> None:
    """Renews the numbers in README.md."""
    readme = Path("README.md")
    write_atomically(readme, renew(readme.read_text(encoding="utf-8"), reports).encode())


if __name__ == "__main__":
    main()
