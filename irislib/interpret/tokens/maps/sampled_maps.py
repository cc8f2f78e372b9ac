"""Change and Grad-CAM maps of some hundred occurrences, in memory."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32, Int64, Integer

from irislib.interpret.attribution.attributions import explain
from irislib.interpret.attribution.change import put_in
from irislib.interpret.attribution.distinct_maps import on_device
from irislib.interpret.attribution.gradcam import ImageScore, mask_codes
from irislib.interpret.attribution.occurrences import Occurrences, find_occurrences
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.seeding import stream
from irislib.tokenizers.context import InPlay

OBSERVATIONS = 512  # at most so many are searched for occurrences
BATCH = 8  # grids decoded at once


def draw_occurrences(
    tokens: Integer[np.ndarray, "t h w"],
    steps: Int64[np.ndarray, " n"],
    position: Int64[np.ndarray, " position"],
    wanted: int,
    seed: int,
) -> Occurrences:
    """Some occurrences that differ in code or positions, drawn at random, ordered by observation and code.

    Args:
        tokens: of all T observations.
        steps: observations to draw from, ascending; of many, evenly spaced ones.
        position: indices into the grid, row by row; one of these at least has the code.
        wanted: how many; all, where there are fewer.
        seed: of the draw.
    """
    steps = steps[evenly_spaced(len(steps), OBSERVATIONS)]
    found = find_occurrences(tokens[steps])
    found = replace(found, step=steps[found.step].astype(np.int32))
    places = found.positions().reshape(len(found.step), -1)[:, position]
    distinct = found.take(np.flatnonzero(places.any(axis=1))).distinct()
    drawn = stream(seed, "sampled maps").permutation(len(distinct.step))[:wanted]
    chosen = distinct.take(drawn)
    return chosen.take(np.lexsort((chosen.code, chosen.step)))


def change_maps(in_play: InPlay, explained: Occurrences) -> Float32[np.ndarray, "n h w"]:
    """How much the decoded frame changes when each code is put into a blank grid (protocol step 3)."""
    return np.concatenate([put_in(in_play, batch) for batch in _batches(explained)])


def gradcam_maps(in_play: InPlay, explained: Occurrences, layer: str) -> Float32[np.ndarray, "n h w"]:
    """Grad-CAM of each code at a layer, of the decoded image's mean, after the ReLU (protocol step 3)."""
    score = ImageScore("mean", None)
    maps = []
    for batch in _batches(explained):
        tokenizer = in_play.at(batch.step)
        code, positions = on_device(tokenizer, batch)
        with torch.enable_grad():
            latents = mask_codes(tokenizer, code, positions)
            # Grad-CAM reads no background.
            raw = explain("gradcam", tokenizer, latents, positions, score, layer, latents[:0])
        maps.append(raw.relu().float().cpu().numpy())
    return np.concatenate(maps)


def _batches(explained: Occurrences) -> Iterator[Occurrences]:
    starts = range(0, len(explained.step), BATCH)
    return (explained.take(slice(start, start + BATCH)) for start in starts)
