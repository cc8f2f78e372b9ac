"""Options that the commands of the study share."""

from pathlib import Path

import click

from stages.common import path_option

seed_option = click.option("--seed", type=click.IntRange(min=0), required=True, help="Any whole number.")
study_option = path_option("study", "studies/params.yaml", "Parameters of the study.")
out_option = click.option("--out", type=click.Path(path_type=Path), required=True, help="What is written.")
arm_option = click.option("--arm", required=True, help="Name of a file in the folder of the arms.")
arms_option = path_option("arms", "studies/arms", "Folder of the arms.")
