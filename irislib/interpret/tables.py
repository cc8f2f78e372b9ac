"""CSV tables of the reports."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from irislib.artifacts import write_atomically


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Writes each table as NAME.csv, whole or not at all; other files in the folder are left alone.

    Numbers have 6 significant digits. A number that is undefined (NaN or infinite) is an empty cell.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        finite = table.replace([np.inf, -np.inf], np.nan)
        write_atomically(folder / f"{name}.csv", finite.to_csv(index=False, float_format="%.6g").encode())
