"""How the share of empty maps moves with what the paper leaves open, and other attributions beside Grad-CAM.

Both tables are about all present pairs of some observations, drawn at random: every present pair of the
rollouts is equally likely to be among them.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import pandas as pd
from annotated_types import Ge

from irislib.artifacts import open_store
from irislib.interpret.attribution.attributions import draw_background
from irislib.interpret.attribution.emptiness import Extremes, Population, decompose
from irislib.interpret.attribution.gradcam import (
    Score,
    check_layer,
    decode_keeping,
    gradcam,
    gradients,
    score_images,
)
from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.attribution.method_comparison import compare_methods
from irislib.interpret.attribution.occurrences import take_census
from irislib.interpret.attribution.sample import Masking, Sample, load_sample
from irislib.interpret.crops.regions import CropConfig
from irislib.params import STRICT, require
from irislib.runtime import progress
from irislib.seeding import stream
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.workdir import write_atomically

SCORES: tuple[Score, ...] = get_args(Score)
MASKINGS: tuple[Masking, ...] = get_args(Masking)


@dataclass(frozen=True)
class SensitivityConfig:
    """The `sensitivity` section.

    Attributes:
        observations: whose present pairs Grad-CAM is varied on; all, where there are fewer.
        attributed: so many of them for the other attributions, which take longer.
    """

    __pydantic_config__ = STRICT
    observations: Annotated[int, Ge(1)]
    attributed: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        require(
            self.attributed <= self.observations,
            "attributed",
            f"use at most sensitivity.observations, {self.observations}",
        )


def measure_sensitivity(
    config: SensitivityConfig,
    maps: GradcamConfig,
    crop: CropConfig,
    seed: int,
    agent: Path,
    rollouts: Path,
    out: Path,
) -> None:
    """Writes sensitivity.csv and attributions.csv; see `vary_gradcam` and `methods.compare_methods`.

    Args:
        config: the `sensitivity` section.
        maps: the `gradcam` section, from which one choice at a time departs.
        crop: the `crop` section, for the regions that a map keeps.
        seed: the pipeline's.
        agent: folder of the agent that was recorded.
        rollouts: store of recorded play.
        out: folder that receives the tables, each whole or not at all.

    Raises:
        ParamError: the layer is not on the decoding path.
        ArtifactError: the tokenizer or the rollouts are missing or damaged, or do not belong together.
    """
    play = open_store(rollouts, ROLLOUTS)
    tokenizer = load_recorded_tokenizer(play, agent)
    census = take_census(play, len(tokenizer.codebook))
    steps = stream(seed, "sensitivity").permutation(len(play))[: config.observations]
    sample, few = (
        load_sample(play, tokenizer, np.sort(chosen)) for chosen in (steps, steps[: config.attributed])
    )
    check_layer(tokenizer, maps.layer)
    used = len(np.unique(census.distinct.code))
    among = Population(len(tokenizer.codebook), len(play), len(census), used)
    background = draw_background(play, tokenizer, maps.samples, seed)

    out.mkdir(parents=True, exist_ok=True)
    for name, table in (
        ("sensitivity", vary_gradcam(sample, maps, crop, among)),
        ("attributions", compare_methods(few, maps, crop, among, background)),
    ):
        write_atomically(out / f"{name}.csv", table.to_csv(index=False, float_format="%.6g").encode())


def vary_gradcam(sample: Sample, config: GradcamConfig, crop: CropConfig, among: Population) -> pd.DataFrame:
    """Empty maps for every score, layer and masking; one row a combination.

    Columns: score, layer, masking (see `sample.Masking`), chosen (the score and layer of the `gradcam`
    section, masked before), then those of `emptiness.decompose`.
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
    return pd.DataFrame(
        dict(zip(("score", "layer", "masking"), choice, strict=True))
        | {"chosen": choice == chosen}
        | decompose(Extremes.join(found[choice]), sample.pairs.code, among, crop.threshold)
        for choice in product(SCORES, layers, MASKINGS)
    )
