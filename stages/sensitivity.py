"""Stage `sensitivity`: how the share of empty maps depends on each choice, and other attributions."""

from pathlib import Path

import click

from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.sensitivity.measure import measure_sensitivity
from irislib.params import load_params
from stages.common import Stage, params_option, path_option


@click.command(cls=Stage)
@params_option
@path_option("attributions", "data/attributions.zarr", "Attributions of a sample, from attributions.")
@path_option("out", "reports", "Folder for sensitivity.csv and attributions.csv.")
def main(params: Path, attributions: Path, out: Path) -> None:
    """Counts empty maps in every variant of the attribution, at the threshold of the crop stage."""
    crop, seed = load_params(params, "crop", CropConfig), load_params(params, "seed", int)
    measure_sensitivity(crop, seed, attributions=attributions, out=out)


if __name__ == "__main__":
    main()
