"""Options that the commands of the study share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from stages.common import params_option, path_option, work_option

F = TypeVar("F", bound=Callable[..., Any])

seed_option = click.option("--seed", type=click.IntRange(min=0), required=True, help="Any whole number.")
study_option = path_option("study", "studies/params.yaml", "Parameters of the study.")
out_option = click.option("--out", type=click.Path(path_type=Path), required=True, help="What is written.")
arm_option = click.option("--arm", required=True, help="Name of a file in the folder of the arms.")
arms_option = path_option("arms", "studies/arms", "Folder of the arms.")
play_option = click.option(
    "--play", type=click.Path(path_type=Path), help="Recorded play [default: studies/play/SEED.zarr]."
)


def cell_options(command: F) -> F:
    """The options of a command that makes a part of one cell."""
    about = params_option, study_option, arms_option, arm_option, seed_option
    for option in reversed((*about, play_option, work_option, out_option)):
        command = option(command)
    return command
