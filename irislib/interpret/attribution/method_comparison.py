"""Attributions side by side: how many of their maps are empty, how faithful the others are."""

from functools import partial
from itertools import product
from typing import get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from irislib.interpret.attribution.attributions import Method, explain
from irislib.interpret.attribution.emptiness import Extremes, Population, decompose
from irislib.interpret.attribution.faithfulness import image_faithfulness, latent_areas
from irislib.interpret.attribution.gradcam import Score, score_images, score_pixels
from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.attribution.sample import Masking, Sample
from irislib.interpret.crops.regions import CropConfig
from irislib.runtime import progress
from irislib.tokenizers.protocol import CODE_INPUT

METHODS: tuple[Method, ...] = get_args(Method)


def compare_methods(
    sample: Sample, config: GradcamConfig, crop: CropConfig, among: Population, background: Tensor
) -> pd.DataFrame:
    """Every attribution at the code input, with the `gradcam` section's score; one row a method and masking.

    Columns: method, masking (see `sample.Masking`), those of `emptiness.decompose`, and how faithful the
    maps are. A code's effect is what the score loses when the code's positions are made blank: of the
    masked grid, or of the whole observation's. right_sign is the share of the maps whose sum has the sign of
    the effect; missed, of the codes with a positive effect, the share whose map is empty; image, the mean of
    `faithfulness.image_faithfulness` with the code against without; insertion and deletion, the means of
    `faithfulness.latent_areas` over whole observations, their positions ordered by their codes' maps, and
    latents, their difference. image_error and latents_error are standard errors, over pairs and observations.

    Args:
        sample: of observations; the maps of all their pairs are held in memory.
        config: the `gradcam` section.
        crop: the `crop` section.
        among: what the pairs are a sample of.
        background: see `attributions.draw_background`.
    """
    maskings: tuple[Masking, ...] = get_args(Masking)
    gains = {masking: image_gains(sample, masking, config) for masking in maskings}
    frame, rows = sample.frames.shape[1:3], []
    for masking, method in progress(list(product(maskings, METHODS)), desc="attributions", unit="method"):
        maps, gain = explain_pairs(sample, method, masking, config, background), gains[masking]
        extremes, effect = Extremes.of(maps, frame, crop), gain.sum((1, 2))
        image = image_faithfulness(maps, gain)
        inserted, deleted = _areas(sample, maps, config)
        rows.append(
            {
                "method": method,
                "masking": masking,
                **decompose(extremes, sample.pairs.code, among, crop.threshold),
                "right_sign": (np.sign(maps.sum((1, 2))) == np.sign(effect)).mean(),
                "missed": _mean((extremes.high <= 0)[effect > 0]),
                "image": _mean(image),
                "image_error": _error(image),
                "insertion": inserted.mean(),
                "deletion": deleted.mean(),
                "latents": (inserted - deleted).mean(),
                "latents_error": _error(inserted - deleted),
            }
        )
    return pd.DataFrame(rows)


def explain_pairs(
    sample: Sample, method: Method, masking: Masking, config: GradcamConfig, background: Tensor
) -> np.ndarray:
    """Maps of all pairs before the ReLU, at the code input, float32 [P,h,w]."""
    found = []
    for batch in sample.batches(masking, config.batch_size):
        score = partial(score_images, config.score, frames=batch.frames)
        raw = explain(method, sample.tokenizer, batch.latents, batch.where, score, CODE_INPUT, background)
        found.append(batch.share_out(raw).float().cpu().numpy())
    return np.concatenate(found)


@torch.no_grad()
def image_gains(sample: Sample, masking: Masking, config: GradcamConfig) -> np.ndarray:
    """What each pixel of the decoded image adds to the score because the code is there, float32 [P,H,W]."""

    def pixels(latents: Tensor, frames: Tensor) -> Tensor:
        return score_pixels(config.score, sample.tokenizer.decode(latents), frames)

    found = []
    # Each pair is decoded without its code; an observation has at most as many pairs as positions.
    size = config.batch_size if masking == "before" else -(-config.batch_size // sample.tokens[0].numel())
    for batch in sample.batches(masking, size):
        owner = batch.owner
        with_code = pixels(batch.latents, batch.frames)[owner]
        gain = with_code - pixels(batch.without_codes(), batch.frames[owner])
        found.append(gain.float().cpu().numpy())
    return np.concatenate(found)


def _areas(sample: Sample, maps: np.ndarray, config: GradcamConfig) -> tuple[np.ndarray, np.ndarray]:
    """Areas under the insertion and deletion curves of each observation, two of float32 [T]."""
    values = np.zeros((len(sample.tokens), *maps.shape[1:]), np.float32)
    np.add.at(values, sample.pairs.step, maps * sample.pairs.positions())
    found = []
    for batch in sample.batches("after", config.batch_size):

        def objective(latents: Tensor, score: Score = config.score, frames: Tensor = batch.frames) -> Tensor:
            return score_images(score, sample.tokenizer.decode(latents), frames)

        steps = sample.pairs.step[batch.rows]
        value = torch.from_numpy(values[steps[0] : steps[-1] + 1]).to(batch.latents)
        areas = latent_areas(objective, batch.latents, value, batch.blank)
        found.append(torch.stack(areas).float().cpu().numpy())
    inserted, deleted = np.concatenate(found, axis=1)
    return inserted, deleted


def _mean(values: np.ndarray) -> float:
    """Of those that are defined, NaN where none is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def _error(values: np.ndarray) -> float:
    """The standard error of their mean, NaN below two."""
    values = values[~np.isnan(values)]
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
