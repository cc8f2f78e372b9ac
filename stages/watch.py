"""Shows the curves of a training while it runs: on a page, and as files that DVC and VS Code read."""

import time
from dataclasses import replace
from pathlib import Path

import click
import pandas as pd

from irislib.agent.config import TrainConfig
from irislib.artifacts import write_atomically
from irislib.params import load_params
from irislib.report.runs.dvclive import dvclive_files
from irislib.report.runs.live import Watched, live_page, long_format
from irislib.report.tables import read_curves
from irislib.training.watching import finished_epochs, newest_training
from stages.common import Command, agent_option, params_option, path_option, work_option


def look(work: Path, agent: Path, params: Path, before: Watched | None) -> Watched:
    """The training as it is now.

    Args:
        work: where the training keeps its half-done work.
        agent: where it puts the agent at its end.
        params: params.yaml; it is read when a training is first seen, because it may be edited meanwhile.
        before: what the last look has seen.

    Raises:
        ArtifactError: the checkpoint or a curve is damaged.
        ParamError: the number of epochs cannot be read.
    """
    folder = newest_training(work)
    if folder is None:
        return _without_work(agent, before)
    if before is None or before.state != "running" or before.name != folder.name:
        epochs = load_params(params, "train", TrainConfig).epochs
        before = Watched("running", folder.name, 0, epochs, long_format({}))
    found = finished_epochs(folder)
    if found is None:
        return before  # before the first epoch, or in the moment in which the folder goes
    return replace(before, epoch=found.last, curves=long_format(found.curves), ended=found.ended)


def _without_work(agent: Path, before: Watched | None) -> Watched:
    """No training is at work. One that was has ended, or somebody has deleted its work."""
    if before is None or before.state != "running":
        return Watched("waiting", "", 0, 0, _curves_of(agent))
    written = (agent / "config.json").stat().st_mtime if (agent / "config.json").exists() else 0.0
    if written < (before.ended or 0.0):
        return replace(before, state="stopped")
    # An agent that training started from has brought its own curves along, so there may be more epochs.
    return replace(before, state="ended", epoch=before.epochs, curves=_curves_of(agent))


def _curves_of(agent: Path) -> pd.DataFrame:
    folder = agent / "curves"
    return read_curves(folder) if folder.is_dir() else long_format({})


def keep(watched: Watched, out: Path, every: float, files: bool) -> None:
    """Writes the page, and the files of DVCLive where there are new ones. Each file is whole at any time."""
    for name, content in dvclive_files(watched.curves).items() if files else ():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out / name, content)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "report.html", live_page(watched, time.time(), every))


@click.command(cls=Command)
@params_option
@work_option
@agent_option
@path_option("out", "dvclive", "Folder for report.html and the curves in the format of DVCLive.")
@click.option("--every", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="Write everything once, and do not wait for more.")
def main(params: Path, work: Path, agent: Path, out: Path, every: float, once: bool) -> None:
    """Watches the training that runs in this folder, until it has ended.

    Start it before the training or while it runs, in a second terminal, and open report.html in a browser. It
    only reads what the training keeps for itself after each epoch.
    """
    click.echo(out / "report.html")
    before = None
    while True:
        now = look(work, agent, params, before)
        new = before is None or (now.state, now.epoch) != (before.state, before.epoch)
        keep(now, out, every, files=new and len(now.curves) > 0)
        if once or now.state in ("ended", "stopped"):
            return
        before = now
        time.sleep(every)


if __name__ == "__main__":
    main()
