"""Stage `attributions`: maps of a sample of observations, in every variant of the attribution."""

from pathlib import Path

import click

from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.sensitivity.attribute import attribute_sample
from irislib.interpret.sensitivity.config import SensitivityConfig
from irislib.params import load_params
from stages.common import Stage, agent_option, params_option, path_option, rollouts_option, work_option


@click.command(cls=Stage)
@params_option
@agent_option
@rollouts_option
@work_option
@path_option("out", "data/attributions.zarr", "What decides whether the maps are empty.")
def main(params: Path, agent: Path, rollouts: Path, work: Path, out: Path) -> None:
    """Attributes a sample by each choice that the paper leaves open, and by other methods; resumes."""
    attribute_sample(
        load_params(params, "sensitivity", SensitivityConfig),
        maps=load_params(params, "gradcam", GradcamConfig),
        crop=load_params(params, "crop", CropConfig),
        seed=load_params(params, "seed", int),
        agent=agent,
        rollouts=rollouts,
        work=work,
        out=out,
    )


if __name__ == "__main__":
    main()
