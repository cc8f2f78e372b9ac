"""What the truth of Atari games loses when the screen becomes a frame of 64 x 64 pixels.

    python -m benchmarks.atari_truth

For each thing that has a name, and for squares of 1, 2 and 4 pixels: in how many of the screens with the
thing some square has its label, which share of the thing's area such squares cover, and which share of the
squares' area is the thing's. The games are played at random.
"""

import click
import numpy as np

from irislib.seeding import stream
from irislib.worlds.atari.console import insert
from irislib.worlds.atari.games import NAMED
from irislib.worlds.atari.resizing import resize_labels

FRAME, SIDES = 64, (1, 2, 4)


@click.command()
@click.option("--screens", default=500, show_default=True, help="Screens of each game, every eighth.")
def main(screens: int) -> None:
    """Prints a table in Markdown."""
    click.echo("| game | thing | " + " | ".join(f"squares of {side}" for side in SIDES) + " |")
    click.echo("|---|---|" + "--:|" * len(SIDES))
    for game, things in NAMED.items():
        shown = np.stack([things.label(screen) for screen in play(game, screens)])
        columns = [measure(shown, side, len(things.labels)) for side in SIDES]
        for thing, cells in zip(things.labels[:-1], zip(*columns, strict=True), strict=False):
            click.echo(f"| {game} | {thing} | " + " | ".join(cells) + " |")


def play(game: str, screens: int) -> list[np.ndarray]:
    """Screens of random play, as numbers of colours."""
    console, rng = insert(game, 0, 0.0), stream(0, "benchmark", game)
    actions, seen = console.getMinimalActionSet(), list[np.ndarray]()
    while len(seen) < screens:
        for _ in range(2):
            action = actions[rng.integers(len(actions))]
            for _ in range(4):
                console.act(action)
        if console.game_over():
            console.reset_game()
        seen.append(console.getScreen())
    return seen


def measure(shown: np.ndarray, side: int, labels: int) -> list[str]:
    """Three percentages for each label.

    Args:
        shown: label of each pixel of each screen, u8 [n,row,column].
        side: of the squares.
        labels: how many there are.
    """
    squares = np.stack([resize_labels(screen, FRAME, side, labels) for screen in shown])
    squares = squares.reshape(len(shown), FRAME // side, FRAME // side)
    rows, columns = (overlaps(extent, FRAME // side) for extent in shown.shape[1:])
    cells = []
    for label in range(labels):
        there, own = shown == label, squares == label
        screens = there.any(axis=(1, 2))
        area = rows @ there.astype(np.float32) @ columns.T  # shares of each square
        both = (area * own).sum()
        found = own.any(axis=(1, 2))[screens].mean()
        cells.append(f"{found:.0%}, {both / area.sum():.0%}, {both / max(1, own.sum()):.0%}")
    return cells


def overlaps(extent: int, parts: int) -> np.ndarray:
    """The share of each of equal parts that each pixel of an axis fills, float32 [parts,extent]."""
    edge, pixel = np.arange(parts + 1)[:, None] * extent / parts, np.arange(extent)
    shared = np.minimum(edge[1:], pixel + 1) - np.maximum(edge[:-1], pixel)
    share: np.ndarray = np.maximum(shared, 0) * parts / extent
    return share.astype(np.float32)


if __name__ == "__main__":
    main()
