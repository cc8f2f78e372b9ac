"""How well a network recognises single cells of worlds that it has never seen."""

from typing import Any

import numpy as np
import torch

from irislib.interpret.embedding.recogniser import Recogniser
from irislib.interpret.embedding.resnet import prepare
from irislib.interpret.embedding.windows import WindowLabels
from irislib.runtime import progress
from irislib.worlds.crafter_scenes import Scenes

Array = np.ndarray

BATCH = 256
DARK = 0.5  # the daylight under which Crafter adds noise
CONFUSIONS = 8  # of the most frequent ones are told


@torch.no_grad()
def recognise(recogniser: Recogniser, scenes: Scenes, cell: int) -> Array:
    """The likeliest label of every cell, int64 [N,C,C]; identical cells are looked at once."""
    n, side, _ = scenes.cells.shape
    square = scenes.obs[:, : side * cell, : side * cell].reshape(n, side, cell, side, cell, 3)
    pixels, which = np.unique(square.swapaxes(2, 3).reshape(n * side**2, -1), axis=0, return_inverse=True)
    crops = pixels.reshape(-1, cell, cell, 3)
    device = next(recogniser.net.parameters()).device
    found = [
        recogniser.net(prepare(list(crops[start : start + BATCH]), recogniser.size).to(device)).argmax(1)
        for start in progress(range(0, len(crops), BATCH), desc="exam", unit="batch")
    ]
    labels: Array = torch.cat(found).cpu().numpy()[which].reshape(n, side, side)
    return labels


def grade(scenes: Scenes, found: Array, labels: WindowLabels, rows: int) -> dict[str, float]:
    """Shares of the cells that are recognised, an item whatever its number.

    Args:
        scenes: the truth.
        found: int64 [N,C,C], from `recognise`.
        labels: what they mean.
        rows: of cells that show the world; the inventory is below.

    Returns:
        accuracy, and its mean over the labels; of the world alone, by day, in the dark and asleep (which
        count neither by day nor in the dark); of the inventory, and of the numbers in it.
    """
    right = labels.thing[found] == labels.thing[scenes.cells]
    world = right[:, :rows].mean(axis=(1, 2))
    dark = scenes.daylight < DARK
    by_day = ~dark & ~scenes.asleep
    items = scenes.cells > labels.blank
    return {
        "cells": right.size,
        "accuracy": right.mean(),
        "accuracy_mean_over_labels": _mean(recall(scenes.cells, found, labels)),
        "accuracy_mean_over_labels_by_day": _mean(recall(scenes.cells[by_day], found[by_day], labels)),
        "world": world.mean(),
        "world_by_day": _mean(world[by_day]),
        "world_in_the_dark": _mean(world[dark & ~scenes.asleep]),
        "world_asleep": _mean(world[scenes.asleep]),
        "inventory": right[:, rows:].mean(),
        "numbers": _mean((found == scenes.cells)[items]),
    }


def recall(truth: Array, found: Array, labels: WindowLabels) -> Array:
    """The share of the cells of each of `labels.names` that are recognised; NaN where there are none."""
    confused = _confusion(truth, found, labels)
    with np.errstate(invalid="ignore"):
        shares: Array = confused.diagonal() / confused.sum(axis=1)
    return shares


def confusions(truth: Array, found: Array, labels: WindowLabels) -> dict[str, float]:
    """Which label is taken for which other, most frequent first, as a share of the cells of the former."""
    confused = _confusion(truth, found, labels)
    total = confused.sum(axis=1, keepdims=True)
    shares = confused / np.maximum(total, 1)
    np.fill_diagonal(shares, 0)
    worst = np.argsort(-shares.ravel(), kind="stable")[:CONFUSIONS]
    pairs = [np.unravel_index(index, shares.shape) for index in worst if shares.ravel()[index] > 0]
    return {f"{labels.names[true]} as {labels.names[taken]}": shares[true, taken] for true, taken in pairs}


def report(by_play: dict[str, Any], staged: dict[str, Any]) -> dict[str, Any]:
    """Both grades with the headline first."""
    return {
        "accuracy": by_play["accuracy"],
        "accuracy_mean_over_labels": staged["accuracy_mean_over_labels"],
        "play": by_play,
        "staged": staged,
    }


def _confusion(truth: Array, found: Array, labels: WindowLabels) -> Array:
    names = len(labels.names)
    index = labels.thing[truth] * names + labels.thing[found]
    return np.bincount(index.ravel(), minlength=names**2).reshape(names, names)


def _mean(values: Array) -> float:
    """Of what is defined; NaN where nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
