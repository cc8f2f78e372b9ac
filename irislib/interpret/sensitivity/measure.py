"""The `sensitivity` stage: the shares of empty maps in every variant, at the threshold of the crop stage."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from irislib.artifacts import open_store
from irislib.errors import ArtifactError
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.sensitivity.emptiness_causes import Population, decompose
from irislib.interpret.sensitivity.variants import Variant, read_variants
from irislib.interpret.tables import write_tables
from irislib.stores.attributions import ATTRIBUTIONS


def measure_sensitivity(crop: CropConfig, attributions: Path, out: Path) -> None:
    """Writes sensitivity.csv and attributions.csv, one row for each variant.

    Columns: the variant's key, the shares of `decompose`, and the variant's measured numbers.

    Args:
        crop: the `crop` section.
        attributions: store of the maps of a sample, summed up.
        out: folder that receives the tables, each whole or not at all.

    Raises:
        ArtifactError: the store is missing, damaged, or made with another crop.min_area or crop.connectivity.
    """
    store = open_store(attributions, ATTRIBUTIONS)
    for name in ("min_area", "connectivity"):
        if store.attrs[name] != getattr(crop, name):
            raise ArtifactError(
                f"{attributions}: made with another crop.{name}; run the attributions stage again"
            )
    gradcam, methods, among = read_variants(store)
    write_tables(
        out,
        {
            "sensitivity": _tabulate(gradcam, among, crop.threshold),
            "attributions": _tabulate(methods, among, crop.threshold),
        },
    )


def _tabulate(variants: Sequence[Variant], among: Population, threshold: float) -> pd.DataFrame:
    return pd.DataFrame(
        [one.key | decompose(one.extremes, one.code, among, threshold) | one.measured for one in variants]
    )
