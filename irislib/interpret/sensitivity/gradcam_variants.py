"""Grad-CAM under every choice that the paper leaves open: score, layer and masking."""

from collections import defaultdict
from itertools import product
from typing import Any, get_args

import numpy as np

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
from irislib.tokenizers.context import AnyTokenizer

SCORES: tuple[Score, ...] = get_args(Score)
MASKINGS: tuple[Masking, ...] = get_args(Masking)


def gradcam_keys(tokenizer: AnyTokenizer, config: GradcamConfig) -> list[dict[str, Any]]:
    """The key of each combination of score, layer and masking.

    Keys: score, layer, masking (see `sample.Masking`) and chosen (the score and layer of the `gradcam`
    section, masked before decoding).

    Args:
        tokenizer: its layers that stand for the decoding path are tried.
        config: the `gradcam` section; its layer is added.
    """
    layers = tokenizer.layers()
    layers += [config.layer] if config.layer not in layers else []
    chosen = (config.score, config.layer, "before")
    return [
        {"score": score, "layer": layer, "masking": masking, "chosen": (score, layer, masking) == chosen}
        for score, layer, masking in product(SCORES, layers, MASKINGS)
    ]


def vary_gradcam(sample: Sample, config: GradcamConfig, crop: CropConfig) -> list[Variant]:
    """Maps of the sample for every combination of score, layer and masking.

    Args:
        sample: of observations; the maps of all its occurrences are held in memory.
        config: the `gradcam` section.
        crop: the `crop` section, for the regions.

    Returns:
        A variant for each of `gradcam_keys`.
    """
    keys = gradcam_keys(sample.tokenizer, config)
    layers = list(dict.fromkeys(key["layer"] for key in keys))
    found = defaultdict(list)
    for masking in MASKINGS:
        for batch in sample.batches(masking, config.batch_size):
            images, activations = decode_keeping(batch.tokenizer, batch.latents, layers)
            for score in SCORES:
                slopes = gradients(score_images(score, images, batch.frames), activations)
                for layer, activation, slope in zip(layers, activations, slopes, strict=True):
                    maps = batch.share_out(gradcam(activation, slope)).cpu().numpy()
                    found[score, layer, masking].append(maps)
    frame, code = tuple(sample.frames.shape[1:3]), sample.occurrences.code
    variants = []
    for key in keys:
        maps = np.concatenate(found[key["score"], key["layer"], key["masking"]])
        episode = sample.episode[sample.occurrences.step]
        variants.append(Variant(key, code, episode, Extremes.of(maps, frame, crop)))
    return variants
