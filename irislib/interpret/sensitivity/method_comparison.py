"""Attribution methods side by side: how many of their maps are empty, and how faithful they are."""

from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from irislib.interpret.attribution.attributions import Method, Objective, explain
from irislib.interpret.attribution.change import average_blocks, changed_pixels
from irislib.interpret.attribution.faithfulness import image_faithfulness, latent_areas
from irislib.interpret.attribution.gradcam import ImageScore, score_pixels
from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.attribution.sample import Masking, Sample
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.sensitivity.emptiness_causes import Extremes
from irislib.interpret.sensitivity.variants import Faithfulness, Variant
from irislib.tokenizers.context import of_rows
from irislib.tokenizers.protocol import CODE_INPUT

METHODS: tuple[Method | Literal["change"], ...] = (*get_args(Method), "change")
MASKINGS: tuple[Masking, ...] = get_args(Masking)

# One for each variant; the key says by which method, and how codes are masked (see `sample.Masking`).
KEYS: list[dict[str, Any]] = [
    {"method": method, "masking": masking} for masking, method in product(MASKINGS, METHODS)
]


@dataclass(frozen=True)
class Effects:
    """What the decoded image gains because a code is there, in a blank grid or in its observation.

    Attributes:
        gain: what each pixel adds to the score.
        change: by how much each pixel changes (`change.changed_pixels`).
    """

    gain: Float[np.ndarray, "occurrences H W"]
    change: Float[np.ndarray, "occurrences H W"]


def compare_methods(
    sample: Sample,
    config: GradcamConfig,
    crop: CropConfig,
    background: Float[Tensor, "samples channels h w"],
) -> list[Variant]:
    """Maps of the sample by every attribution method at the code input, with the `gradcam` section's score.

    The effect of a code is what the score loses when the code's positions are blanked, in the masked grid or
    in the whole observation. `change` has no score: its maps say which pixels change then.

    Args:
        sample: of observations, with all their occurrences; their maps are held in memory.
        config: the `gradcam` section.
        crop: the `crop` section, for the regions.
        background: see `attributions.draw_background`.

    Returns:
        A variant for each of `KEYS`. Of each occurrence is measured:
            effect: of the code.
            right_sign: 1 where the sum of the map has the sign of the effect, else 0; undefined for `change`.
            image: `faithfulness.image_faithfulness` of the image with the code against without.
            changed: the same of the map after the ReLU, for how much each pixel changes.
        And of each observation the areas of `faithfulness.latent_areas`: the positions are ordered by the
        maps of their codes.
    """
    variants = []
    for masking in MASKINGS:
        effects = measure_effects(sample, masking, config)
        for method in METHODS:
            if method == "change":
                maps = average_blocks(torch.from_numpy(effects.change)).numpy()
            else:
                maps = explain_occurrences(sample, method, masking, config, background)
            variants.append(
                Variant(
                    {"method": method, "masking": masking},
                    sample.occurrences.code,
                    sample.episode[sample.occurrences.step],
                    Extremes.of(maps, tuple(sample.frames.shape[1:3]), crop),
                    _faithfulness(sample, config, maps, effects, signed=method != "change"),
                )
            )
    return variants


def _faithfulness(
    sample: Sample, config: GradcamConfig, maps: np.ndarray, effects: Effects, signed: bool
) -> Faithfulness:
    effect = effects.gain.sum((1, 2))
    right = np.sign(maps.sum((1, 2))) == np.sign(effect) if signed else np.full(len(maps), np.nan)
    image = image_faithfulness(maps, effects.gain)
    changed = image_faithfulness(np.maximum(maps, 0), effects.change)
    measured = np.stack([effect, right, image, changed], axis=1).astype(np.float32)
    return Faithfulness(measured, _areas(sample, maps, config), sample.episode.astype(np.int32))


def explain_occurrences(
    sample: Sample,
    method: Method,
    masking: Masking,
    config: GradcamConfig,
    background: Float[Tensor, "samples channels h w"],
) -> Float[np.ndarray, "occurrences h w"]:
    """Maps of all occurrences before the ReLU, at the code input, float32."""
    found = []
    for batch in sample.batches(masking, config.batch_size):
        score = ImageScore(config.score, batch.frames)
        raw = explain(method, batch.tokenizer, batch.latents, batch.where, score, CODE_INPUT, background)
        found.append(batch.share_out(raw).float().cpu().numpy())
    return np.concatenate(found)


@torch.no_grad()
def measure_effects(sample: Sample, masking: Masking, config: GradcamConfig) -> Effects:
    """What each pixel of the decoded image gains because the code of each occurrence is there, float32."""
    gain, change = [], []
    # Each occurrence is decoded without its code; an observation has no more occurrences than positions.
    size = config.batch_size if masking == "before" else -(-config.batch_size // sample.tokens[0].numel())
    for batch in sample.batches(masking, size):
        owner = batch.owner
        image = batch.tokenizer.decode(batch.latents)[owner]
        without = of_rows(batch.tokenizer, owner).decode(batch.without_codes())
        scores = (score_pixels(config.score, x, batch.frames[owner]) for x in (image, without))
        with_code, without_code = scores
        gain.append((with_code - without_code).float().cpu().numpy())
        change.append(changed_pixels(image, without).float().cpu().numpy())
    return Effects(np.concatenate(gain), np.concatenate(change))


def _areas(sample: Sample, maps: np.ndarray, config: GradcamConfig) -> Float[np.ndarray, "t 2"]:
    """Areas under the insertion curve and under the deletion curve of each observation, float32."""
    grid = (sample.tokens.shape[1], sample.tokens.shape[2])
    if maps.shape[1:] != grid:  # of pixels
        maps = F.adaptive_avg_pool2d(torch.from_numpy(maps)[:, None], grid)[:, 0].numpy()
    values = np.zeros((len(sample.tokens), *grid), np.float32)
    np.add.at(values, sample.occurrences.step, maps * sample.occurrences.positions())
    found = []
    for batch in sample.batches("after", config.batch_size):
        objective = Objective(batch.tokenizer, ImageScore(config.score, batch.frames))
        steps = sample.occurrences.step[batch.rows]
        value = torch.from_numpy(values[steps[0] : steps[-1] + 1]).to(batch.latents)
        areas = latent_areas(objective, batch.latents, value, batch.blank)
        found.append(torch.stack(areas, dim=1).float().cpu().numpy())
    return np.concatenate(found)
