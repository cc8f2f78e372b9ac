"""The `attributions` stage: maps of a sample of observations, in every variant of the attribution."""

from pathlib import Path

import numpy as np

from irislib.artifacts import open_store
from irislib.interpret.attribution.attributions import draw_background
from irislib.interpret.attribution.gradcam import check_layer
from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.attribution.occurrences import take_census
from irislib.interpret.attribution.sample import load_sample
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.sensitivity.config import SensitivityConfig
from irislib.interpret.sensitivity.emptiness_causes import Population
from irislib.interpret.sensitivity.gradcam_variants import vary_gradcam
from irislib.interpret.sensitivity.method_comparison import compare_methods
from irislib.interpret.sensitivity.variants import write_variants
from irislib.seeding import stream
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.load import load_recorded_tokenizer


def attribute_sample(
    config: SensitivityConfig,
    maps: GradcamConfig,
    crop: CropConfig,
    seed: int,
    agent: Path,
    rollouts: Path,
    out: Path,
) -> None:
    """Writes attributions.zarr; see `vary_gradcam` and `compare_methods`.

    This is the expensive part of the sensitivity tables, and it does not depend on `crop.threshold`.

    Args:
        config: the `sensitivity` section.
        maps: the `gradcam` section, from which one choice at a time departs.
        crop: the `crop` section; only min_area and connectivity are used.
        seed: the pipeline's.
        agent: folder of the agent that was recorded.
        rollouts: store of recorded play.
        out: the store (`ATTRIBUTIONS`).

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
    background = draw_background(play, tokenizer, maps.samples, seed)
    write_variants(
        out,
        vary_gradcam(sample, maps, crop),
        compare_methods(few, maps, crop, background),
        Population(len(tokenizer.codebook), len(play), len(census), used),
        {"min_area": crop.min_area, "connectivity": crop.connectivity},
    )
