"""Stage `crop`: the regions that the maps point at."""

from pathlib import Path

import click

from irislib.interpret.crops.cropping import crop_regions
from irislib.interpret.crops.regions import CropConfig
from irislib.params import load_params
from stages.common import Stage, changes_option, params_option, path_option, rollouts_option


@click.command(cls=Stage)
@params_option
@rollouts_option
@changes_option
@path_option("out", "data/crops.zarr", "Boxes of the regions and of their counterparts.")
def main(params: Path, rollouts: Path, changes: Path, out: Path) -> None:
    """Boxes the regions under the maps, and finds two counterparts of each."""
    config = load_params(params, "crop", CropConfig)
    crop_regions(config, seed=load_params(params, "seed", int), rollouts=rollouts, changes=changes, out=out)


if __name__ == "__main__":
    main()
