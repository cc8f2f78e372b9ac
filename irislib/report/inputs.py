"""Everything that the report draws on, opened and checked."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from irislib.artifacts import Store, open_store
from irislib.errors import ArtifactError
from irislib.report.embedders import EMBEDDER_COLUMNS
from irislib.report.sensitivity import ATTRIBUTION_COLUMNS, SENSITIVITY_COLUMNS
from irislib.report.wording import Prose, label_name, sentence
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS, check_agent

CODE_COLUMNS = [
    *("code", "uses", "steps_present", "empty_share", "crops", "distinct_crops", "episodes"),
    *("consistency", "consistency_random", "monosemanticity", "monosemanticity_random"),
    *("difference", "difference_low", "difference_high", "p_value", "q_value", "consistent", "untested"),
    *("place_q_value", "beyond_place", "label", "label_share", "label_lift", "label_q_value", "named"),
    *("kind", "cell_label", "cell_label_share", "item", "item_q_value"),
]
GROUP_COLUMNS = ["count", "share", "episodes", "pmi", "q_value", "meaningful"]
COMPONENTS = ("collect", "tokenizer", "world_model", "actor_critic")


@dataclass(frozen=True)
class Numbers:
    """A JSON file of named numbers.

    Attributes:
        path: where it is.
        stage: that wrote it.
        content: of the file.
    """

    path: Path
    stage: str
    content: Any

    def get(self, key: str) -> float | None:
        """A number by its dotted key, None where it is undefined. Raises ArtifactError."""
        value = self.content
        for part in key.split("."):
            value = value.get(part, "missing") if isinstance(value, dict) else "missing"
        if not isinstance(value, int | float | None):
            raise ArtifactError(f"{self.path}: has no number {key}; run the {self.stage} stage again")
        return None if value is None else float(value)


@dataclass(frozen=True)
class Inputs:
    """Stores, tables and numbers of one run.

    Attributes:
        metrics: metrics.json; read it with `metric`.
        evaluation: the agent's evaluation.json; read it with `metric`.
        embedder: the embedder's evaluation.json; read it with `metric`.
        codes: one row a code of the codebook, sorted by code.
        pairs: one row a pair of codes seen together, most frequent first; rare ones are left out.
        sets: the same of sets of three codes and more.
        labels: one row a (code, label) that occurs.
        embedders: one row an embedder, the headline under it.
        sensitivity: one row an option of a choice that the paper leaves open.
        attributions: one row a method and masking.
        curves: training curves in long format (epoch, component, loss, value), experience first.
    """

    rollouts: Store
    heatmaps: Store
    crops: Store
    embeddings: Store
    metrics: Numbers
    evaluation: Numbers
    embedder: Numbers
    codes: pd.DataFrame
    pairs: pd.DataFrame
    sets: pd.DataFrame
    labels: pd.DataFrame
    embedders: pd.DataFrame
    sensitivity: pd.DataFrame
    attributions: pd.DataFrame
    curves: pd.DataFrame

    def metric(self, key: str) -> float | None:
        """A number of metrics.json by its dotted key.

        One that begins `evaluation.` is the agent's evaluation.json's, one that begins `embedder.` the
        embedder's. None where it is undefined. Raises ArtifactError.
        """
        file, _, rest = key.partition(".")
        others = {"evaluation": self.evaluation, "embedder": self.embedder}
        return others[file].get(rest) if file in others else self.metrics.get(key)

    def say(self, text: str, **numbers: float) -> str:
        """A sentence with metrics and other named numbers filled in; see `Prose`. Raises ArtifactError."""
        return sentence(Prose(self.metric).format(text, **numbers))

    def name_of(self, code: int) -> str:
        """A code with the label that most of its maps lie on, and the item of the inventory that it tells."""
        label = self.codes["label"].get(code)
        if not isinstance(label, str):
            return str(code)
        tells = self.codes["item_q_value"].get(code, 1.0) <= (self.metric("consistency.alpha") or 0.0)
        item = f", tells {self.codes['item'].get(code)}" if tells else ""
        return f"{code} ({label_name(label)}{item})"


def load_inputs(
    agent: Path,
    embedder: Path,
    rollouts: Path,
    heatmaps: Path,
    crops: Path,
    embeddings: Path,
    reports: Path,
) -> Inputs:
    """Opens the inputs of the report. Raises ArtifactError where one is missing, foreign or damaged."""
    codes = _table(reports / "codes.csv", "metrics", CODE_COLUMNS)
    flags = {name: _truth(codes[name]) for name in ("consistent", "beyond_place", "named")}
    inputs = Inputs(
        rollouts=open_store(rollouts, ROLLOUTS),
        heatmaps=open_store(heatmaps, HEATMAPS),
        crops=open_store(crops, CROPS),
        embeddings=open_store(embeddings, EMBEDDINGS),
        metrics=_numbers(reports / "metrics.json", "metrics"),
        evaluation=_numbers(agent / "evaluation.json", "train"),
        embedder=_numbers(embedder / "evaluation.json", "embedder"),
        codes=codes.assign(**flags).set_index("code").sort_index(),
        pairs=_groups(reports / "pairs.csv", ["code_a", "code_b"]),
        sets=_groups(reports / "sets.csv", ["codes"]),
        labels=_table(reports / "labels.csv", "metrics", ["code", "label", "count", "share"]),
        embedders=_table(reports / "embedders.csv", "compare", EMBEDDER_COLUMNS),
        sensitivity=_table(reports / "sensitivity.csv", "sensitivity", SENSITIVITY_COLUMNS),
        attributions=_table(reports / "attributions.csv", "sensitivity", ATTRIBUTION_COLUMNS),
        curves=_curves(agent / "curves"),
    )
    check_agent(inputs.rollouts, agent)
    return inputs


def _numbers(path: Path, stage: str) -> Numbers:
    try:
        return Numbers(path, stage, json.loads(path.read_text()))
    except OSError:
        raise ArtifactError(f"{path}: missing; run the {stage} stage") from None
    except ValueError:
        raise ArtifactError(f"{path}: not valid JSON; run the {stage} stage again") from None


def _curves(folder: Path) -> pd.DataFrame:
    tables = []
    for component in COMPONENTS:
        path = folder / f"{component}.csv"
        # Blank where training ended before this component's began.
        if not path.exists() or path.read_text().strip():
            table = _table(path, "train", ["epoch", "step"]).drop(columns="step")
            tables.append(table.melt("epoch", var_name="loss").assign(component=component))
    return pd.concat(tables)


def _groups(path: Path, members: list[str]) -> pd.DataFrame:
    table = _table(path, "metrics", [*members, *GROUP_COLUMNS])
    return table.assign(meaningful=_truth(table["meaningful"]))


def _table(path: Path, stage: str, columns: list[str]) -> pd.DataFrame:
    try:
        # pandas would take a label called "None" for a missing value.
        table = pd.read_csv(path, keep_default_na=False, na_values=["", "nan"])
    except OSError:
        raise ArtifactError(f"{path}: missing; run the {stage} stage") from None
    except ValueError:
        raise ArtifactError(f"{path}: not a CSV table; run the {stage} stage again") from None
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise ArtifactError(f"{path}: has no column {lacking[0]!r}; run the {stage} stage again")
    return table


def _truth(column: pd.Series) -> pd.Series:
    """Booleans from a column in which undefined cells are empty; those are False."""
    return column.map(lambda cell: str(cell) == "True").astype(bool)
