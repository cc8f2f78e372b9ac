"""Recorded play of the study: for each seed other episodes, some to learn from and others to measure on."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from irislib.artifacts import Store, digest, open_store, writing
from irislib.errors import ArtifactError, ParamError
from irislib.params import read_yaml
from irislib.playing.play import play_episodes
from irislib.playing.random_player import RandomPlayer
from irislib.runtime import workers
from irislib.shards import Compute, Shards, compute_shards
from irislib.stores.play import PLAY
from irislib.study.config import PlayConfig
from irislib.study.overlays import overlaid, parse_from
from irislib.workdir import work_in
from irislib.worlds.make import AnyWorld
from irislib.worlds.player import NoScriptedPlayerError, Player
from irislib.worlds.scripted import scripted_player
from irislib.worlds.world import WorldConfig


def read_play(params: Path, study: Path) -> tuple[WorldConfig, PlayConfig]:
    """The world of the study, and how much of it is recorded.

    Args:
        params: params.yaml, for the `env` section.
        study: studies/params.yaml, an overlay of it with the section `play`.

    Raises:
        ParamError: a file cannot be read, or a section is missing or does not fit.
    """
    values = overlaid(read_yaml(params), read_yaml(study))
    env: WorldConfig = parse_from(values, "env", AnyWorld, study)  # type: ignore[type-abstract]
    return env, parse_from(values, "play", PlayConfig, study)


def record_play(config: PlayConfig, env: WorldConfig, seed: int, work: Path, out: Path) -> None:
    """Plays whole episodes and writes them as a store (`PLAY`). All of them are drawn from the seed.

    Args:
        config: the `play` section.
        env: the world.
        seed: of the cells that learn from these episodes; another seed has other episodes.
        work: where finished shards wait for the rest.
        out: the store.

    Raises:
        ParamError: the world has no scripted player, or none for its options.
        IrislibError: a worker died, or another process makes this very store.
    """
    attrs = {
        "world": env.world,
        "player": config.player,
        "episodes": config.training_episodes + config.held_out_episodes,
        "training_episodes": config.training_episodes,
        "made_with": _made_with(config, env, seed),
        **env.describe().to_attributes(),
    }
    make_player(config, env)  # reports that there is none before any process starts
    with work_in(work, "play", asdict(config), asdict(env), seed) as folder:
        shards = Shards("episode", attrs["episodes"], config.lanes, folder)
        env.warm_up()  # before each worker would do it for itself
        compute_shards(shards, shards.unfinished(), workers(), f"play {seed}", _recorder, config, env, seed)
        with writing(out, PLAY, attrs) as store:
            for arrays in shards.results():
                store.append(**arrays)


def open_play(path: Path, config: PlayConfig, env: WorldConfig, seed: int) -> Store:
    """Opens recorded play. Raises ArtifactError where it was made with other parameters, or is damaged."""
    play = open_store(path, PLAY)
    if play.attrs["made_with"] != _made_with(config, env, seed):
        raise ArtifactError(f"{path}: recorded with other parameters or another seed; delete it")
    return play


def make_player(config: PlayConfig, env: WorldConfig) -> Player:
    """The player of the study. Raises ParamError where the world has no scripted one."""
    if config.player == "random":
        return RandomPlayer()
    try:
        return scripted_player(env)
    except NoScriptedPlayerError as error:
        raise ParamError(f"play.player: {error.reason}; use random") from None


def _recorder(config: PlayConfig, env: WorldConfig, seed: int) -> Compute:
    player = make_player(config, env)

    def record(episodes: range) -> dict[str, np.ndarray]:
        played = play_episodes(player, episodes, env, seed, "study play")
        return {name: np.concatenate([episode[name] for episode in played]) for name in played[0]}

    return record


def _made_with(config: PlayConfig, env: WorldConfig, seed: int) -> str:
    values: list[Any] = [asdict(config), asdict(env), seed]
    return digest(values)
