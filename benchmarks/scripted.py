"""How well the scripted player plays, how fast, and how many episodes it takes to see every label.

Episodes are played one after another by each of a few processes:

    python -m benchmarks.scripted --episodes 32 --length 1000
"""

import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np

from irislib.playing.play import play_episodes
from irislib.worlds.crafter.game import CrafterConfig
from irislib.worlds.make import load_world
from irislib.worlds.score import playing_statistics, score, success_rates
from irislib.worlds.scripted import scripted_player
from irislib.worlds.world import WorldConfig

Episode = dict[str, np.ndarray]


@click.command()
@click.option("--episodes", default=32, show_default=True, help="Episodes.")
@click.option("--length", default=1000, show_default=True, help="Steps after which an episode is cut off.")
@click.option("--processes", default=1, show_default=True, help="Processes.")
@click.option("--seed", default=0, show_default=True, help="Of the episodes.")
@click.option("--params", type=Path, default=Path("params.yaml"), help="Its env section is taken.")
def main(episodes: int, length: int, processes: int, seed: int, params: Path) -> None:
    """Plays with the scripted player of Crafter and prints tables."""
    world = load_world(params)
    env = CrafterConfig(length=length, frame_size=world.frame[0])
    env.warm_up()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        played, seconds = zip(*pool.map(partial(_play, env, seed), range(episodes)), strict=True)
    together = {name: np.concatenate([episode[name] for episode in played]) for name in played[0]}
    steps = len(together["reward"])
    rates = success_rates(together["goal"], together["episode"], env.describe().goals)
    survived = np.mean([not episode["terminated"][-1] for episode in played])
    for name, value in {
        "steps": steps,
        "processor time, ms a step": 1000 * sum(seconds) / steps,
        **playing_statistics(together["reward"], together["episode"]),
        "score, %": score(env.world, rates),
        "share of episodes that reach the last step": survived,
        "share of steps asleep": together["hidden"].mean(),
        "share of steps by night, awake": ((together["daylight"] < 0.5) & ~together["hidden"]).mean(),
    }.items():
        click.echo(f"{name}: {value:.4g}")
    click.echo("\n| achievement | share of episodes |\n| --- | --: |")
    for goal, rate in sorted(rates.items(), key=lambda item: -item[1]):
        click.echo(f"| {goal} | {rate:.2f} |")
    _print_labels(env, list(played))


def _play(env: WorldConfig, seed: int, number: int) -> tuple[Episode, float]:
    """An episode without its frames, and the processor time that it took, in seconds."""
    start = time.process_time()
    (episode,) = play_episodes(scripted_player(env), range(number, number + 1), env, seed, "benchmark")
    seconds = time.process_time() - start
    return {name: rows for name, rows in episode.items() if name != "obs"}, seconds


def _print_labels(env: WorldConfig, played: list[Episode]) -> None:
    """Prints how often each label is in view of the player, awake, and how many are ever seen."""
    names = env.describe().labels
    awake = [episode["label"][~episode["hidden"]] for episode in played]
    # Frames of each episode that show each label.
    shown = np.array([[(label == n).any(axis=1).sum() for n in range(len(names))] for label in awake])
    cells = np.bincount(np.concatenate(awake).ravel(), minlength=len(names))
    click.echo("\n| label | share of episodes | of frames | of cells |\n| --- | --: | --: | --: |")
    for n, name in enumerate(names):
        frames = shown[:, n].sum() / sum(map(len, awake))
        click.echo(
            f"| {name} | {(shown[:, n] > 0).mean():.2f} | {frames:.3f} | {cells[n] / cells.sum():.4f} |"
        )
    click.echo("\n| episodes | labels seen |\n| --: | --: |")
    for count in (1, 2, 4, 8, 16, 32, 64):
        if count <= len(played):
            seen = (shown[:count].sum(axis=0) > 0).sum()
            click.echo(f"| {count} | {seen} of {len(names)} |")


if __name__ == "__main__":
    main()
