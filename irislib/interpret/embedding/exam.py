"""How well a network recognises the labelled rectangles of scenes that it has never seen."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64

from irislib.interpret.embedding.recogniser import Recogniser
from irislib.interpret.embedding.resnet import prepare
from irislib.interpret.embedding.windows import WindowLabels
from irislib.runtime import progress
from irislib.worlds.scenes import Scenes
from irislib.worlds.world import WorldDescription

BATCH = 256  # rectangles
CONFUSIONS = 8  # the most frequent ones are reported

Answers = Int64[np.ndarray, "scene box"]


@torch.no_grad()
def recognise(recogniser: Recogniser, scenes: Scenes, boxes: Int[np.ndarray, "box 4"]) -> Answers:
    """The likeliest window label of every rectangle; rectangles with equal pixels are looked at once.

    Args:
        recogniser: the network.
        scenes: its task.
        boxes: (y0, x0, y1, x1) of the rectangles of every frame.
    """
    device = next(recogniser.net.parameters()).device
    found = np.zeros((len(scenes.obs), len(boxes)), np.int64)
    sides = boxes[:, 2:] - boxes[:, :2]
    for height, width in np.unique(sides, axis=0):
        same = np.flatnonzero((sides == (height, width)).all(axis=1))
        cut = np.stack([scenes.obs[:, y0:y1, x0:x1] for y0, x0, y1, x1 in boxes[same]], axis=1)
        flat = cut.reshape(len(found) * len(same), -1)
        pixels, which = np.unique(flat, axis=0, return_inverse=True)
        crops = pixels.reshape(-1, height, width, 3)
        answers = [
            recogniser.net(prepare(list(crops[start : start + BATCH]), recogniser.size).to(device)).argmax(1)
            for start in progress(range(0, len(crops), BATCH), desc="exam", unit="batch")
        ]
        found[:, same] = torch.cat(answers).cpu().numpy()[which].reshape(len(found), -1)
    return found


def grade(
    scenes: Scenes, truth: Answers, found: Answers, labels: WindowLabels, description: WorldDescription
) -> dict[str, float]:
    """Shares of the rectangles that are recognised, a quantity whatever its number.

    Args:
        scenes: the task.
        truth: window label of every rectangle.
        found: from `recognise`.
        labels: what these mean.
        description: of the world.

    Returns:
        boxes (how many were judged); accuracy, and its mean over the things; the accuracy on the world and
        on the display; numbers (the share of drawn quantities whose number is right, too). For each of the
        scenes' strata, the accuracy on the world and the mean over things again, with the stratum's name
        behind. NaN for what never occurs.
    """
    right = labels.thing[found] == labels.thing[truth]
    world = right[:, : len(description.world_boxes)].mean(axis=1)
    grades = {
        "boxes": right.size,
        "accuracy": right.mean(),
        "accuracy_mean_over_labels": mean_of_defined(recall(truth, found, labels)),
        "world": world.mean(),
        "display": mean_of_defined(right[:, len(description.world_boxes) :]),
        "numbers": mean_of_defined((found == truth)[truth > labels.blank]),
    }
    for name, rows in scenes.strata.items():
        grades[f"world_{name}"] = mean_of_defined(world[rows])
        grades[f"accuracy_mean_over_labels_{name}"] = mean_of_defined(
            recall(truth[rows], found[rows], labels)
        )
    return grades


def recall(truth: Answers, found: Answers, labels: WindowLabels) -> Float[np.ndarray, " thing"]:
    """The share of the rectangles with each of `labels.names` that is recognised; NaN without any."""
    confused = _confusion(truth, found, labels)
    with np.errstate(invalid="ignore"):
        shares: np.ndarray = confused.diagonal() / confused.sum(axis=1)
    return shares


def confusions(truth: Answers, found: Answers, labels: WindowLabels) -> dict[str, float]:
    """The most frequent mistakes, "true as found": shares of the rectangles that truly have the first."""
    confused = _confusion(truth, found, labels)
    total = confused.sum(axis=1, keepdims=True)
    shares = confused / np.maximum(total, 1)
    np.fill_diagonal(shares, 0)
    worst = np.argsort(-shares.ravel(), kind="stable")[:CONFUSIONS]
    pairs = [np.unravel_index(index, shares.shape) for index in worst if shares.ravel()[index] > 0]
    return {f"{labels.names[true]} as {labels.names[taken]}": shares[true, taken] for true, taken in pairs}


def report(by_play: dict[str, Any], staged: dict[str, Any]) -> dict[str, Any]:
    """The grades on random play and on staged scenes in one record, the headline first."""
    return {
        "accuracy": by_play["accuracy"],
        "accuracy_mean_over_labels": staged["accuracy_mean_over_labels"],
        "play": by_play,
        "staged": staged,
    }


def _confusion(truth: Answers, found: Answers, labels: WindowLabels) -> Int64[np.ndarray, "thing thing"]:
    names = len(labels.names)
    index = labels.thing[truth] * names + labels.thing[found]
    return np.bincount(index.ravel(), minlength=names**2).reshape(names, names)


def mean_of_defined(values: Float[np.ndarray, "..."] | Bool[np.ndarray, "..."]) -> float:
    """The mean of the values that are not NaN; NaN where there are none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
