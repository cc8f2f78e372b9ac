"""Made-up runs to compare: a folder with params.yaml and the reports that git keeps."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from madeup import NOTHING, write_tables

PARAMS = "# of all\nseed: 0\ncrop:\n  threshold: 0.5\n  kinds: [a, b]\ntrain:\n  tokenizer:\n    kind: iris\n"
CLAIMS = (
    "claim,definition,paper,ours,low,high\nEmpty maps,share of them,0.9,0.5,,\nNames,how many,,3.5,2,5\n"
    "Names,how many,,4.5,,\n"
)


def write_run(folder: Path, codes: int = 40, seed: int = 0) -> Path:
    """A run whose even codes show something, each more or less of a label than its place."""
    rng = np.random.default_rng(seed)
    reports = folder / "reports"
    reports.mkdir(parents=True)
    (folder / "params.yaml").write_text(PARAMS)
    tokens = rng.integers(0, codes, (30, 4, 4))
    episode = np.repeat([0, 1], 15)
    lit = [(step, int(code)) for step in range(30) for code in np.unique(tokens[step]) if code % 2 == 0]
    write_tables(reports, tokens, episode, codes, lit, NOTHING, rng)
    shutil.rmtree(reports / "results", ignore_errors=True)
    labels = pd.read_csv(reports / "labels.csv")
    labels["mass_share"] = 0.9 * labels["share"]
    labels["place_share"] = labels["mass_share"] * rng.uniform(0.5, 1.1, len(labels))
    labels.to_csv(reports / "labels.csv", index=False)
    (reports / "claims.csv").write_text(CLAIMS)
    return folder


def renumbered(run: Path, to: Path, numbers: np.ndarray) -> Path:
    """A copy in which code i has the number `numbers[i]`."""
    shutil.copytree(run, to)
    for name in ("codes", "labels"):
        table = pd.read_csv(to / f"reports/{name}.csv")
        table["code"] = numbers[table["code"]]
        table.to_csv(to / f"reports/{name}.csv", index=False)
    return to
