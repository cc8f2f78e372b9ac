"""Stage `sensitivity`: what the share of empty maps hangs on, and Grad-CAM beside other attributions."""

from pathlib import Path

import click

from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.attribution.sensitivity import SensitivityConfig, measure_sensitivity
from irislib.interpret.crops.regions import CropConfig
from irislib.params import load_params
from stages.common import Stage, agent_option, params_option, path_option, rollouts_option


@click.command(cls=Stage)
@params_option
@agent_option
@rollouts_option
@path_option("out", "reports", "Folder for sensitivity.csv and attributions.csv.")
def main(params: Path, agent: Path, rollouts: Path, out: Path) -> None:
    """Counts empty maps for each choice that the paper leaves open, and judges other attributions."""
    measure_sensitivity(
        load_params(params, "sensitivity", SensitivityConfig),
        maps=load_params(params, "gradcam", GradcamConfig),
        crop=load_params(params, "crop", CropConfig),
        seed=load_params(params, "seed", int),
        agent=agent,
        rollouts=rollouts,
        out=out,
    )


if __name__ == "__main__":
    main()
