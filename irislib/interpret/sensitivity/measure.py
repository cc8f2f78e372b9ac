"""The `sensitivity` stage: the shares of empty maps in every variant, at the threshold of the crop stage."""

from pathlib import Path

import pandas as pd

from irislib.artifacts import open_store
from irislib.errors import ArtifactError
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.sensitivity.emptiness_causes import Population, decompose
from irislib.interpret.sensitivity.episode_intervals import mean_and_error, share_interval
from irislib.interpret.sensitivity.variants import CURVES, MEASURES, Faithfulness, Variant, read_variants
from irislib.interpret.tables import write_tables
from irislib.seeding import stream
from irislib.stores.attributions import ATTRIBUTIONS


def measure_sensitivity(crop: CropConfig, seed: int, attributions: Path, out: Path) -> None:
    """Writes sensitivity.csv and attributions.csv, one row for each variant.

    Columns: the variant's key; the shares of `decompose`; low and high, the 95% interval of
    present_occurrences; and of an attribution method what `summarise_faithfulness` says.

    Args:
        crop: the `crop` section.
        seed: of the bootstrap; every variant is measured on the same draws of episodes.
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
    rows = {
        name: pd.DataFrame([_row(one, among, crop.threshold, seed) for one in variants])
        for name, variants in (("sensitivity", gradcam), ("attributions", methods))
    }
    write_tables(out, rows)


def summarise_faithfulness(one: Variant, faithfulness: Faithfulness) -> dict[str, float]:
    """Means over the occurrences or observations of a variant; undefined numbers are left out.

    right_sign: share of the maps whose sum has the sign of the effect. missed: of the occurrences with a
    positive effect, the share whose map is empty. image, changed: see `compare_methods`. insertion, deletion:
    mean areas; latents: mean of insertion minus deletion. image_error, changed_error, latents_error: standard
    errors, for which an episode is one draw.
    """
    measured = dict(zip(MEASURES, faithfulness.measured.T, strict=True))
    inserted, deleted = faithfulness.areas.T
    means = {
        "image": mean_and_error(measured["image"], one.episode),
        "changed": mean_and_error(measured["changed"], one.episode),
        "latents": mean_and_error(inserted - deleted, faithfulness.episode),
    }
    positive = measured["effect"] > 0
    right, _ = mean_and_error(measured["right_sign"], one.episode)
    numbers = {"right_sign": right}
    numbers["missed"] = (one.extremes.high <= 0)[positive].mean() if positive.any() else float("nan")
    for name in ("image", "changed"):
        numbers[name], numbers[f"{name}_error"] = means[name]
    numbers |= {name: area.mean() for name, area in zip(CURVES, (inserted, deleted), strict=True)}
    numbers["latents"], numbers["latents_error"] = means["latents"]
    return numbers


def _row(one: Variant, among: Population, threshold: float, seed: int) -> dict[str, object]:
    rng = stream(seed, "sensitivity", "intervals")
    low, high = share_interval(one.extremes.high <= 0, one.episode, rng)
    row = one.key | decompose(one.extremes, one.code, among, threshold) | {"low": low, "high": high}
    return row | (summarise_faithfulness(one, one.faithfulness) if one.faithfulness else {})
