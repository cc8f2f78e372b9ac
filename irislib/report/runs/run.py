"""A run as the comparison reads it: its parameters and the small files that git keeps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from irislib.errors import ArtifactError
from irislib.params import read_yaml
from irislib.report.tables import (
    BASELINE_COLUMNS,
    LABEL_COLUMNS,
    Numbers,
    read_metrics,
    read_numbers,
    read_optional,
    read_table,
    with_flags,
)

CLAIM_COLUMNS = ["claim", "definition", "ours", "low", "high"]
MATCHED_LABEL_COLUMNS = [*LABEL_COLUMNS, "mass_share", "place_share"]
MATCHED_CODE_COLUMNS = ["code", "uses", "consistent", "name", "item"]
# Relative to the folder of a run. A run without one of the optional files is compared by the others.
NEEDED = (
    *("params.yaml", "reports/metrics.json", "reports/details.json"),
    *("reports/codes.csv", "reports/labels.csv"),
)
OPTIONAL = ("reports/evaluation.json", "reports/claims.csv", "reports/baselines.csv")


@dataclass(frozen=True)
class Run:
    """A run.

    Attributes:
        name: what the reader calls it.
        parameters: the content of params.yaml.
        headline: metrics.json, the numbers that DVC lists as well.
        metrics: metrics.json and details.json.
        evaluation: evaluation.json of the agent; without numbers if the run has none.
        codes: one row for each code, sorted by code, which is the index.
        labels: one row for each code and label that occurs.
        claims: the rows of claims.csv; may have none.
        baselines: the rows of baselines.csv; may have none.
    """

    name: str
    parameters: dict[str, Any]
    headline: Numbers
    metrics: Numbers
    evaluation: Numbers
    codes: pd.DataFrame
    labels: pd.DataFrame
    claims: pd.DataFrame
    baselines: pd.DataFrame

    @property
    def lacking(self) -> list[str]:
        """The optional files that the run does not have."""
        there = (bool(self.evaluation.content), len(self.claims) > 0, len(self.baselines) > 0)
        return [name for name, has in zip(OPTIONAL, there, strict=True) if not has]


def read_run(name: str, folder: Path) -> Run:
    """Reads the run in a folder that has params.yaml and reports/.

    Raises:
        ArtifactError: a needed file is missing, or a file is not what the present code writes.
        ParamError: params.yaml is not valid.
    """
    reports = folder / "reports"
    if not (folder / "params.yaml").is_file():
        raise ArtifactError(f"{folder / 'params.yaml'}: missing; name a folder or a revision of this project")
    evaluation = reports / "evaluation.json"
    codes = read_table(reports / "codes.csv", "metrics", MATCHED_CODE_COLUMNS)
    return Run(
        name=name,
        parameters=read_yaml(folder / "params.yaml"),
        headline=read_numbers(reports / "metrics.json", "metrics"),
        metrics=read_metrics(reports),
        evaluation=read_numbers(evaluation, "evaluate")
        if evaluation.exists()
        else Numbers(evaluation, "evaluate", {}),
        codes=with_flags(codes, "consistent").set_index("code").sort_index(),
        labels=read_table(reports / "labels.csv", "metrics", MATCHED_LABEL_COLUMNS),
        claims=read_optional(reports / "claims.csv", "plots", CLAIM_COLUMNS),
        baselines=read_optional(reports / "baselines.csv", "baselines", BASELINE_COLUMNS),
    )
