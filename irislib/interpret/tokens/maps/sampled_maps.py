"""Change and Grad-CAM maps of some hundred occurrences, in memory."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32, Int64, Integer

from irislib.interpret.attribution.change import average_blocks, changed_pixels
from irislib.interpret.attribution.distinct_maps import on_device
from irislib.interpret.attribution.gradcam import decode_keeping, gradcam, gradients, mask_codes, score_images
from irislib.interpret.attribution.occurrences import Occurrences, find_occurrences
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.seeding import stream
from irislib.tokenizers.protocol import FrameTokenizer

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


@torch.no_grad()
def change_maps(tokenizer: FrameTokenizer, explained: Occurrences) -> Float32[np.ndarray, "n h w"]:
    """How much the decoded frame changes when each code is put into a blank grid (protocol step 3)."""
    nothing = tokenizer.decode(tokenizer.blank(1))
    maps = []
    for start in range(0, len(explained.step), BATCH):
        batch = on_device(tokenizer, explained.take(slice(start, start + BATCH)))
        image = tokenizer.decode(mask_codes(tokenizer, *batch))
        maps.append(average_blocks(changed_pixels(image, nothing)).float().cpu().numpy())
    return np.concatenate(maps)


def gradcam_maps(
    tokenizer: FrameTokenizer, explained: Occurrences, layer: str
) -> Float32[np.ndarray, "n h w"]:
    """Grad-CAM of each code at a layer, of the decoded image's mean, after the ReLU (protocol step 3)."""
    maps = []
    for start in range(0, len(explained.step), BATCH):
        code, positions = on_device(tokenizer, explained.take(slice(start, start + BATCH)))
        with torch.enable_grad():
            images, (activations,) = decode_keeping(
                tokenizer, mask_codes(tokenizer, code, positions), [layer]
            )
            (gradient,) = gradients(score_images("mean", images), [activations])
        maps.append(gradcam(activations, gradient).relu().float().cpu().numpy())
    return np.concatenate(maps)
