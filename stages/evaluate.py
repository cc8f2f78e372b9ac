"""Stage `evaluate`: how good the trained agent is."""

from pathlib import Path

import click

from irislib.params import load_params
from irislib.playing.evaluation import EvaluationConfig, evaluate
from irislib.worlds.make import load_world
from stages.common import Stage, agent_option, params_option, path_option, work_option


@click.command(cls=Stage)
@params_option
@agent_option
@work_option
@path_option("out", "reports/evaluation.json", "Returns, achievements, and the quality of each component.")
def main(params: Path, agent: Path, work: Path, out: Path) -> None:
    """Plays episodes that the agent never learns from and judges it on them; resumes after a crash."""
    config = load_params(params, "evaluation", EvaluationConfig)
    env = load_world(params)
    evaluate(config, env, load_params(params, "seed", int), agent=agent, work=work, out=out)


if __name__ == "__main__":
    main()
