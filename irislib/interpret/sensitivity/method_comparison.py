"""Attribution methods side by side: how many of their maps are empty, and how faithful they are."""

from functools import partial
from itertools import product
from typing import get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from irislib.interpret.attribution.attributions import Method, explain
from irislib.interpret.attribution.faithfulness import image_faithfulness, latent_areas
from irislib.interpret.attribution.gradcam import Score, score_images, score_pixels
from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.attribution.sample import Masking, Sample
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.sensitivity.emptiness_causes import Extremes
from irislib.interpret.sensitivity.variants import Variant
from irislib.runtime import progress
from irislib.tokenizers.protocol import CODE_INPUT

METHODS: tuple[Method, ...] = get_args(Method)
MASKINGS: tuple[Masking, ...] = get_args(Masking)


def compare_methods(
    sample: Sample,
    config: GradcamConfig,
    crop: CropConfig,
    background: Float[Tensor, "samples channels h w"],
) -> list[Variant]:
    """Maps of the sample by every attribution method at the code input, with the `gradcam` section's score.

    The effect of a code is what the score loses when the code's positions are blanked, in the masked grid or
    in the whole observation.

    Args:
        sample: of observations; the maps of all their occurrences are held in memory.
        config: the `gradcam` section.
        crop: the `crop` section, for the regions.
        background: see `attributions.draw_background`.

    Returns:
        A variant for each method and masking. Keys: method, masking (see `sample.Masking`). Measured:
            right_sign: share of the maps whose sum has the sign of the effect.
            missed: of the occurrences with a positive effect, the share whose map is empty.
            image: mean of `faithfulness.image_faithfulness` of the image with the code against without.
            insertion, deletion: means of `faithfulness.latent_areas` over whole observations, their positions
                ordered by the maps of their codes; latents: mean of insertion minus deletion.
            image_error, latents_error: standard errors, over occurrences and over observations.
    """
    gains = {masking: image_gains(sample, masking, config) for masking in MASKINGS}
    variants = []
    for masking, method in progress(list(product(MASKINGS, METHODS)), desc="attributions", unit="method"):
        maps, gain = explain_occurrences(sample, method, masking, config, background), gains[masking]
        extremes = Extremes.of(maps, tuple(sample.frames.shape[1:3]), crop)
        variants.append(
            Variant(
                {"method": method, "masking": masking},
                sample.occurrences.code,
                extremes,
                _faithfulness(sample, config, maps, gain, extremes),
            )
        )
    return variants


def _faithfulness(
    sample: Sample, config: GradcamConfig, maps: np.ndarray, gain: np.ndarray, extremes: Extremes
) -> dict[str, float]:
    effect, image = gain.sum((1, 2)), image_faithfulness(maps, gain)
    inserted, deleted = _areas(sample, maps, config)
    return {
        "right_sign": (np.sign(maps.sum((1, 2))) == np.sign(effect)).mean(),
        "missed": _mean((extremes.high <= 0)[effect > 0]),
        "image": _mean(image),
        "image_error": _error(image),
        "insertion": inserted.mean(),
        "deletion": deleted.mean(),
        "latents": (inserted - deleted).mean(),
        "latents_error": _error(inserted - deleted),
    }


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
        score = partial(score_images, config.score, frames=batch.frames)
        raw = explain(method, sample.tokenizer, batch.latents, batch.where, score, CODE_INPUT, background)
        found.append(batch.share_out(raw).float().cpu().numpy())
    return np.concatenate(found)


@torch.no_grad()
def image_gains(
    sample: Sample, masking: Masking, config: GradcamConfig
) -> Float[np.ndarray, "occurrences H W"]:
    """What each pixel of the decoded image adds to the score because the code is there, float32."""

    def pixels(latents: Tensor, frames: Tensor) -> Tensor:
        return score_pixels(config.score, sample.tokenizer.decode(latents), frames)

    found = []
    # Each occurrence is decoded without its code; an observation has no more occurrences than positions.
    size = config.batch_size if masking == "before" else -(-config.batch_size // sample.tokens[0].numel())
    for batch in sample.batches(masking, size):
        owner = batch.owner
        with_code = pixels(batch.latents, batch.frames)[owner]
        gain = with_code - pixels(batch.without_codes(), batch.frames[owner])
        found.append(gain.float().cpu().numpy())
    return np.concatenate(found)


def _areas(sample: Sample, maps: np.ndarray, config: GradcamConfig) -> tuple[np.ndarray, np.ndarray]:
    """Areas under the insertion curve and under the deletion curve of each observation, float32."""
    values = np.zeros((len(sample.tokens), *maps.shape[1:]), np.float32)
    np.add.at(values, sample.occurrences.step, maps * sample.occurrences.positions())
    found = []
    for batch in sample.batches("after", config.batch_size):

        def objective(latents: Tensor, score: Score = config.score, frames: Tensor = batch.frames) -> Tensor:
            return score_images(score, sample.tokenizer.decode(latents), frames)

        steps = sample.occurrences.step[batch.rows]
        value = torch.from_numpy(values[steps[0] : steps[-1] + 1]).to(batch.latents)
        areas = latent_areas(objective, batch.latents, value, batch.blank)
        found.append(torch.stack(areas).float().cpu().numpy())
    inserted, deleted = np.concatenate(found, axis=1)
    return inserted, deleted


def _mean(values: np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN without any."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def _error(values: np.ndarray) -> float:
    """Standard error of the mean of the values that are not NaN; NaN with fewer than two."""
    values = values[~np.isnan(values)]
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
