"""One table of all results: the mean of each measure over the seeds, with an interval."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64
from scipy.stats import t

from irislib.errors import ArtifactError
from irislib.study.arms import VARIES

LEVEL = 0.95  # of the intervals
FEWEST = 3  # seeds with an interval: that of two would be 13 times as wide as their spread
ARM = ("arm", "varies", "compared_with")
KEYS = (*ARM, "asks", "seed", "steps")  # of a result, before its measures
NESTED = ("reading", "reading_coverage", "consistency")  # measures by label, by size of a set, by embedder
COLUMNS = (
    "world",
    *(*ARM, "steps", "measure", "seeds"),
    *("mean", "low", "high", "least", "most"),
    *("difference", "difference_low", "difference_high"),
)


def tabulate(results: Path, world: str) -> pd.DataFrame:
    """The table of all cells.

    Args:
        results: folder with the result of each cell, ARM-SEED.json (`cell.measure_cell`).
        world: in which all of them were found.

    Returns:
        A row for each arm, number of gradient steps, and measure. `mean` is over the seeds for which the
        measure is defined, `low` and `high` are its 95% interval (`interval`), `least` and `most` the range
        of the seeds. `difference` is the mean difference from the finished arm `compared_with`, over the
        seeds that both have, with its interval: the frames of a seed are the same in all arms. Arms that
        vary the same stand together. Empty without results.

    Raises:
        ArtifactError: a result is not one.
    """
    rows = [row for file in sorted(results.glob("*.json")) for row in _rows(_read(file))]
    values = pd.DataFrame(rows, columns=[*ARM, "steps", "measure", "seed", "value"])
    reference = next(iter(values["arm"][values["varies"] == "nothing"]), "")
    values.loc[values["compared_with"] == "", "compared_with"] = reference
    finished = _finished(values)
    made = [
        {
            "world": world,
            **dict(zip((*ARM, "steps", "measure"), key, strict=True)),
            **_summary(group.set_index("seed")["value"], finished.get((key[2], key[4]), {})),
        }
        for key, group in values.groupby([*ARM, "steps", "measure"], sort=False)
    ]
    table = pd.DataFrame(made, columns=list(COLUMNS))
    order = table["varies"].map({varies: i for i, varies in enumerate(VARIES)})
    return (
        table.assign(order=order).sort_values(["order", "arm", "steps"], kind="stable").drop(columns="order")
    )


def tabulate_worlds(worlds: Path) -> pd.DataFrame:
    """The tables of all other worlds (`tabulate`), one below the other.

    Args:
        worlds: folder with a folder of results for each world, which has the world's name.

    Raises:
        ArtifactError: a result is not one.
    """
    folders = sorted(folder for folder in worlds.glob("*") if folder.is_dir())
    tables = [tabulate(folder, folder.name) for folder in folders]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def interval(values: Float64[np.ndarray, " n"]) -> tuple[float, float, float]:
    """Mean and 95% interval of values that are drawn independently (Student's t).

    The interval is NaN for fewer than `FEWEST` values, and the mean for none.
    """
    n = len(values)
    mean = float(values.mean()) if n else float("nan")
    if n < FEWEST:
        return mean, float("nan"), float("nan")
    half = float(t.ppf((1 + LEVEL) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


def _read(file: Path) -> dict[str, Any]:
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{file}: not a result ({type(error).__name__}); run its cell again") from None
    if not isinstance(result, dict) or not set(KEYS) <= result.keys() or result["varies"] not in VARIES:
        raise ArtifactError(f"{file}: not a result of the study; delete it, or run its cell again")
    return result


def _rows(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row for each number of a result and of its snapshots."""
    about = {key: result[key] for key in (*ARM, "seed")}
    for one in (*result.get("snapshots", []), result):
        for measure, value in _numbers(one):
            yield {**about, "steps": one["steps"], "measure": measure, "value": value}


def _numbers(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of a result by name; nested ones have dotted names."""
    for name, value in values.items():
        if name in NESTED:
            yield from _nested(name, value)
        elif name not in KEYS and isinstance(value, int | float):
            yield name, float(value)
    if isinstance(values.get("nmi"), float) and isinstance(values.get("nmi_place"), float):
        yield "nmi_beyond_place", values["nmi"] - values["nmi_place"]


def _nested(name: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _nested(f"{name}.{key}", inner)
    elif isinstance(value, int | float):
        yield name, float(value)


def _finished(values: pd.DataFrame) -> dict[tuple[str, str], dict[int, float]]:
    """The values of each finished arm by seed: those after its last step, by arm and measure."""
    last = values[values["steps"] == values.groupby("arm")["steps"].transform("max")]
    groups = last.groupby(["arm", "measure"], sort=False)
    return {key: dict(zip(group["seed"], group["value"], strict=True)) for key, group in groups}


def _summary(values: pd.Series, reference: Mapping[int, float]) -> dict[str, float]:
    found = values.to_numpy(np.float64)
    both = np.array([value - reference[seed] for seed, value in values.items() if seed in reference])
    mean, low, high = interval(found)
    difference, difference_low, difference_high = interval(both.astype(np.float64))
    return {
        "seeds": len(found),
        "mean": mean,
        "low": low,
        "high": high,
        "least": float(found.min()),
        "most": float(found.max()),
        "difference": difference,
        "difference_low": difference_low,
        "difference_high": difference_high,
    }
