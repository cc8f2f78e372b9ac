"""Recorded play of many transitions, made once, and its beginnings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from irislib.artifacts import Store, open_store, writing
from irislib.errors import ParamError
from irislib.params import load_params
from irislib.playing.rollout import RolloutConfig, roll_out
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.worlds.make import load_world

PARAMS = Path("params.yaml")
ROWS = 4096  # transitions copied at once


def record_play(agent: Path, episodes: int, folder: Path) -> Store:
    """The play of so many whole episodes, from the folder where an earlier run left it.

    Raises:
        ArtifactError: what the folder holds was encoded by another agent's tokenizer.
    """
    path = folder / "rollouts.zarr"
    if not path.exists():
        click.echo(f"{path}: playing {episodes} episodes, once", err=True)
        config, env = load_params(PARAMS, "rollout", RolloutConfig), load_world(PARAMS)
        config = RolloutConfig(episodes, config.lanes, config.temperature)
        roll_out(config, env, load_params(PARAMS, "seed", int), agent, folder / "work", path)
    store = open_store(path, ROLLOUTS)
    load_recorded_tokenizer(store, agent)  # or they do not belong together
    return store


def copy_beginning(play: Store, steps: int, out: Path, attrs: Mapping[str, Any] | None = None) -> None:
    """Writes the first transitions of recorded play as a store of its own, the last episode cut short.

    Args:
        attrs: in place of those of the whole.

    Raises:
        ParamError: there are fewer.
    """
    if len(play) < steps:
        raise ParamError(f"--episodes: {play.path} has but {len(play)} transitions; delete it and play more")
    episodes = len(np.unique(play.read("episode", slice(steps))))
    with writing(out, ROLLOUTS, {**_given(play), "episodes": episodes, **(attrs or {})}) as writer:
        for start in range(0, steps, ROWS):
            rows = slice(start, min(start + ROWS, steps))
            writer.append(**{name: play.read(name, rows) for name in ROLLOUTS.arrays})


def _given(store: Store) -> dict[str, Any]:
    """The attributes that its writer was given."""
    return {n: value for n, value in store.attrs.items() if n not in ("schema", "schema_version", "files")}
