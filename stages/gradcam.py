"""Stage `gradcam`: where in the frame each code acts."""

from pathlib import Path

import click

from irislib.interpret.attribution.heatmaps import GradcamConfig, compute_heatmaps
from irislib.params import load_params
from stages.common import Stage, agent_option, params_option, path_option, rollouts_option, work_option


@click.command(cls=Stage)
@params_option
@agent_option
@rollouts_option
@work_option
@path_option("out", "data/heatmaps.zarr", "Maps, and which observation and code use which.")
def main(params: Path, agent: Path, rollouts: Path, work: Path, out: Path) -> None:
    """Computes the map of every code in every observation, by Grad-CAM or what stands in for it; resumes."""
    config = load_params(params, "gradcam", GradcamConfig)
    seed = load_params(params, "seed", int)
    compute_heatmaps(config, seed=seed, agent=agent, rollouts=rollouts, work=work, out=out)


if __name__ == "__main__":
    main()
