"""Grad-CAM under every choice that the paper leaves open: score, layer and masking."""

from collections import defaultdict
from itertools import product
from typing import get_args

from irislib.interpret.attribution.gradcam import (
    Score,
    decode_keeping,
    gradcam,
    gradients,
    score_images,
)
from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.attribution.sample import Masking, Sample
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.sensitivity.emptiness_causes import Extremes
from irislib.interpret.sensitivity.variants import Variant
from irislib.runtime import progress

SCORES: tuple[Score, ...] = get_args(Score)
MASKINGS: tuple[Masking, ...] = get_args(Masking)


def vary_gradcam(sample: Sample, config: GradcamConfig, crop: CropConfig) -> list[Variant]:
    """Maps of the sample for every combination of score, layer and masking.

    Args:
        sample: of observations.
        config: the `gradcam` section; its layer is added to those that stand for the decoding path.
        crop: the `crop` section, for the regions.

    Returns:
        A variant for each combination. Keys: score, layer, masking (see `sample.Masking`) and chosen (the
        score and layer of the `gradcam` section, masked before decoding).
    """
    layers = sample.tokenizer.layers()
    layers += [config.layer] if config.layer not in layers else []
    found = defaultdict(list)
    for masking in MASKINGS:
        batches = list(sample.batches(masking, config.batch_size))
        for batch in progress(batches, desc=f"Grad-CAM, masked {masking}", unit="batch"):
            images, activations = decode_keeping(sample.tokenizer, batch.latents, layers)
            for score in SCORES:
                slopes = gradients(score_images(score, images, batch.frames), activations)
                for layer, activation, slope in zip(layers, activations, slopes, strict=True):
                    maps = batch.share_out(gradcam(activation, slope)).cpu().numpy()
                    found[score, layer, masking].append(Extremes.of(maps, images.shape[2:], crop))
    chosen = (config.score, config.layer, "before")
    return [
        Variant(
            {"score": score, "layer": layer, "masking": masking, "chosen": (score, layer, masking) == chosen},
            sample.occurrences.code,
            Extremes.join(found[score, layer, masking]),
        )
        for score, layer, masking in product(SCORES, layers, MASKINGS)
    ]
