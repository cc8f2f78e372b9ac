"""Training curves in the files of DVCLive, which DVC and its extension for VS Code show.

Only the format is taken from DVCLive. The package itself would have to be called while the agent trains, and
would count as code of the training; it would save an experiment of its own beside the one that DVC makes of
the stage; and its HTML report loads a library from the network.
"""

import json
from typing import Any

import pandas as pd

CONFIG = "metrics:\n  - metrics.json\nplots:\n  - plots/metrics:\n      x: step\n"


def dvclive_files(curves: pd.DataFrame) -> dict[str, bytes]:
    """The files by their paths: dvc.yaml, metrics.json, and plots/metrics/<component>/<series>.tsv.

    Args:
        curves: training curves in long format: epoch, component, loss, value. Undefined values are left out.
            A step of DVCLive is an epoch here.
    """
    files = {"dvc.yaml": CONFIG.encode()}
    latest: dict[str, Any] = {}
    known = curves.dropna(subset=["value"])
    if len(known):
        latest["step"] = int(known["epoch"].max())
    for (component, series), rows in known.groupby(["component", "loss"], sort=False):
        lines = [f"step\t{series}", *(f"{row.epoch:.0f}\t{row.value:.6g}" for row in rows.itertuples())]
        files[f"plots/metrics/{component}/{series}.tsv"] = "".join(f"{line}\n" for line in lines).encode()
        latest.setdefault(component, {})[series] = float(f"{rows['value'].iloc[-1]:.6g}")
    files["metrics.json"] = (json.dumps(latest, indent=2) + "\n").encode()
    return files
