"""Reads the numbers and tables that other stages wrote."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from irislib.errors import ArtifactError

# The families of findings, in the order of the page.
FAMILIES = ("consistency", "names", "items", "pairs")
# The columns that the report needs of each table; a table may have more.
CODE_COLUMNS = [
    *("code", "uses", "steps_present", "empty_share", "crops", "distinct_crops", "episodes"),
    *("consistency", "consistency_elsewhen", "monosemanticity", "monosemanticity_elsewhen"),
    *("difference", "difference_low", "difference_high", "confirmed", "consistent", "random_difference"),
    *("random_confirmed", "beats_random", "label", "label_share", "label_lift", "kind"),
    *("iou_label", "iou", "iou_elsewhen"),
    *("name", "name_share", "name_expected", "name_confirmed"),
    *("item", "item_mean", "item_expected", "item_confirmed"),
]
GROUP_COLUMNS = ["count", "share", "episodes", "confirmed", "meaningful"]
PAIR_COLUMNS = ["code_a", "code_b", *GROUP_COLUMNS, "expected"]
SET_COLUMNS = ["codes", *GROUP_COLUMNS]
LABEL_COLUMNS = ["code", "label", "count", "share", "mass_share", "place_share", "confirmed", "iou"]
POWER_COLUMNS = ["label", "episodes", "planted", "named"]
EMBEDDER_COLUMNS = [
    *("weights", "dimension", "tested", "confirmed", "low", "high", "null"),
    *("mean_cosine", "mean_cosine_elsewhen", "median_difference", "label_overlap", "label_overlap_chance"),
]
BASELINE_COLUMNS = [
    *("tokenizer", "attribution", "codes_used"),
    *(
        f"{family}_{column}"
        for family in FAMILIES
        for column in ("tested", "confirmed", "low", "high", "null")
    ),
    *("pairs_covered", "nmi", "nmi_low", "nmi_high", "nmi_place", "purity", "purity_base"),
]
REPLICATE_COLUMNS = [
    *("comparison", "run", "episodes"),
    *(f"{family}_{column}" for family in FAMILIES for column in ("confirmed", "low", "high")),
]
_SHARES = ["occurrences", "zero", "negative", "mixed", "positive", "present_occurrences"]
SENSITIVITY_COLUMNS = [
    *("score", "layer", "masking", "chosen", *_SHARES),
    *("no_region", "faint", "unused", "absent", "codes_always_empty"),
]
ATTRIBUTION_COLUMNS = ["method", "masking", *_SHARES, "right_sign", "missed", "latents", "latents_error"]
AGENT_COLUMNS = [
    *("world", "agent", "seed", "episodes", "tokens_per_frame", "codes", "codes_used", "psnr_db"),
    *("return_mean", "return_std", "random_mean", "random_std"),
    *("score", "frame_nats", "reward_nats", "end_nats"),
]
CURVE_COLUMNS = ["world", "agent", "seed", "step", "return_mean"]
COMPONENTS = ("collect", "tokenizer", "world_model", "actor_critic")


@dataclass(frozen=True)
class Numbers:
    """A JSON file of named numbers.

    Attributes:
        path: the file.
        stage: the stage that writes it.
        content: the parsed file.
    """

    path: Path
    stage: str
    content: Any

    def get(self, key: str) -> float | None:
        """The number with this dotted key; None if it is undefined (null).

        Raises:
            ArtifactError: the file has no such number.
        """
        value = self._find(key)
        if not isinstance(value, int | float | None):
            raise ArtifactError(f"{self.path}: has no number {key}; run the {self.stage} stage again")
        return None if value is None else float(value)

    def group(self, key: str) -> dict[str, float]:
        """The named numbers under this dotted key.

        Raises:
            ArtifactError: the file has no such numbers.
        """
        value = self._find(key)
        if not isinstance(value, dict) or not all(isinstance(one, int | float) for one in value.values()):
            raise ArtifactError(f"{self.path}: has no numbers {key}; run the {self.stage} stage again")
        return {name: float(one) for name, one in value.items()}

    def _find(self, key: str) -> Any:
        value = self.content
        for part in key.split("."):
            value = value.get(part, "missing") if isinstance(value, dict) else "missing"
        return value


def read_numbers(path: Path, stage: str) -> Numbers:
    """Reads a JSON file. Raises ArtifactError if it is missing or not valid JSON."""
    try:
        return Numbers(path, stage, json.loads(path.read_text()))
    except OSError:
        raise ArtifactError(f"{path}: missing; run the {stage} stage") from None
    except ValueError:
        raise ArtifactError(f"{path}: not valid JSON; run the {stage} stage again") from None


def read_metrics(reports: Path) -> Numbers:
    """Reads metrics.json, which holds the headline numbers, and details.json, which holds all others.

    Raises:
        ArtifactError: one is missing, or not a JSON file of numbers in sections.
    """
    files = [read_numbers(reports / f"{name}.json", "metrics") for name in ("metrics", "details")]
    merged: dict[str, Any] = {}
    for file in files:
        sections = file.content if isinstance(file.content, dict) else {}
        if not sections or not all(isinstance(section, dict) for section in sections.values()):
            raise ArtifactError(f"{file.path}: has no sections of numbers; run the metrics stage again")
        for name, section in sections.items():
            merged[name] = merged.get(name, {}) | section
    return Numbers(files[-1].path, "metrics", merged)


def read_table(path: Path, stage: str, columns: list[str]) -> pd.DataFrame:
    """Reads a CSV file; it may have no rows. Raises ArtifactError if it is missing or lacks a column."""
    try:
        # With its defaults pandas would read a label called "None" as a missing value.
        table = pd.read_csv(path, keep_default_na=False, na_values=["", "nan"])
    except OSError:
        raise ArtifactError(f"{path}: missing; run the {stage} stage") from None
    except ValueError:
        raise ArtifactError(f"{path}: not a CSV table; run the {stage} stage again") from None
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise ArtifactError(f"{path}: has no column {lacking[0]!r}; run the {stage} stage again")
    return table


def read_optional(path: Path, command: str, columns: list[str]) -> pd.DataFrame:
    """Reads a CSV file that no stage of the pipeline writes; a table without rows if it is missing.

    Raises ArtifactError if it lacks a column.
    """
    return read_table(path, command, columns) if path.exists() else pd.DataFrame(columns=columns)


def read_curves(folder: Path) -> pd.DataFrame:
    """Training curves in long format: columns epoch, component, loss, value; collected experience first."""
    tables = [pd.DataFrame(columns=["epoch", "loss", "value", "component"])]
    for component in COMPONENTS:
        path = folder / f"{component}.csv"
        # The file is blank if training ended before this component's training began.
        if not path.exists() or path.read_text().strip():
            table = read_table(path, "train", ["epoch", "step"]).drop(columns="step")
            tables.append(table.melt("epoch", var_name="loss").assign(component=component))
    return pd.concat([table for table in tables if len(table)] or tables)


def with_flags(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The table with these columns as booleans; an undefined cell becomes False."""
    flags = {name: table[name].map(lambda cell: str(cell) == "True").astype(bool) for name in columns}
    return table.assign(**flags)
