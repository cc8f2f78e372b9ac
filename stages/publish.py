"""Writes a trained agent with half the bytes, for others to start from (`train.init`)."""

from pathlib import Path

import click

from irislib.agent.publish import publish
from irislib.params import load_params
from irislib.worlds.crafter import EnvConfig
from stages.common import Stage, agent_option, params_option, path_option


@click.command(cls=Stage)
@params_option
@agent_option
@path_option("out", "data/reference", "The smaller agent.")
def main(params: Path, agent: Path, out: Path) -> None:
    """Writes a trained agent again with float16 weights, if what it decodes stays the same."""
    env, seed = load_params(params, "env", EnvConfig), load_params(params, "seed", int)
    click.echo(f"pixels in [0, 1] move by at most {publish(agent, out, env, seed):.4f}")


if __name__ == "__main__":
    main()
