"""The `attributions` stage: maps of a sample of observations, in every variant of the attribution."""

from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from irislib.artifacts import Store, open_store
from irislib.device import pick_device
from irislib.interpret.attribution.attributions import draw_background
from irislib.interpret.attribution.gradcam import check_layer
from irislib.interpret.attribution.heatmaps import GradcamConfig
from irislib.interpret.attribution.occurrences import take_census
from irislib.interpret.attribution.sample import (
    Selection,
    load_sample,
    select_all,
    select_occurrences,
)
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.sensitivity.config import SensitivityConfig
from irislib.interpret.sensitivity.emptiness_causes import Population
from irislib.interpret.sensitivity.gradcam_variants import gradcam_keys, vary_gradcam
from irislib.interpret.sensitivity.method_comparison import KEYS, compare_methods
from irislib.interpret.sensitivity.variants import pack_variants, write_variants
from irislib.runtime import workers
from irislib.seeding import stream
from irislib.shards import Arrays, Compute, Shards, compute_shards
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.workdir import work_in

# Observations in a part: about a second of work each.
VARIED, COMPARED = 16, 1


def attribute_sample(
    config: SensitivityConfig,
    maps: GradcamConfig,
    crop: CropConfig,
    seed: int,
    agent: Path,
    rollouts: Path,
    work: Path,
    out: Path,
) -> None:
    """Writes attributions.zarr; see `vary_gradcam` and `compare_methods`. Resumes after a crash.

    This is the expensive part of the sensitivity tables, and it does not depend on `crop.threshold`.

    Args:
        config: the `sensitivity` section.
        maps: the `gradcam` section, from which one choice at a time departs.
        crop: the `crop` section; only min_area and connectivity are used.
        seed: the pipeline's.
        agent: folder of the agent that was recorded.
        rollouts: store of recorded play.
        work: where finished shards wait for the rest.
        out: the store (`ATTRIBUTIONS`).

    Raises:
        ParamError: the layer is not on the decoding path.
        ArtifactError: the tokenizer or the rollouts are missing or damaged, or do not belong together.
        IrislibError: a worker died, or another process makes this very store.
    """
    play = open_store(rollouts, ROLLOUTS)
    tokenizer = load_recorded_tokenizer(play, agent)
    check_layer(tokenizer, maps.layer)
    census = take_census(play, len(tokenizer.codebook))
    few, many = _select(config, play, seed)
    regions = {"min_area": crop.min_area, "connectivity": crop.connectivity}
    settings = (maps, crop, seed, agent, rollouts)
    sections = (asdict(config), asdict(maps), regions)
    parts = [*_parts(many, VARIED, vary_gradcam=True), *_parts(few, COMPARED, vary_gradcam=False)]
    varied = sum(part.vary_gradcam for part in parts)
    # On a GPU one process: several would each hold a copy of its runtime, and wait for each other.
    processes = 1 if pick_device().type == "cuda" else workers()
    with work_in(work, "attributions", *sections, seed, agent, rollouts) as folder:
        shards = Shards("part", len(parts), 1, folder)
        todo = shards.unfinished()[::-1]  # those by other methods take longest
        compute_shards(shards, todo, processes, "attributions", _mapper, parts, *settings)
        write_variants(
            out,
            (gradcam_keys(tokenizer, maps), islice(shards.results(), varied)),
            (KEYS, islice(shards.results(), varied, None)),
            Population(len(tokenizer.codebook), len(play), len(census), len(np.unique(census.distinct.code))),
            regions,
        )


def _select(config: SensitivityConfig, play: Store, seed: int) -> tuple[Selection, Selection]:
    """What the methods are compared on, and what Grad-CAM is varied on."""
    steps = stream(seed, "sensitivity").permutation(len(play))[: config.observations]
    rng = stream(seed, "sensitivity", "occurrences")
    return (
        select_all(play, np.sort(steps[: config.attributed])),
        select_occurrences(play, np.sort(steps), config.occurrences, rng),
    )


@dataclass(frozen=True)
class _Part:
    """Some observations, and whether Grad-CAM is varied on them, or other methods are compared."""

    selection: Selection
    vary_gradcam: bool


def _parts(selection: Selection, size: int, vary_gradcam: bool) -> list[_Part]:
    """A selection in parts of `size` observations."""
    starts = range(0, len(selection), size)
    rows = [range(start, min(start + size, len(selection))) for start in starts]
    return [_Part(selection.part(part), vary_gradcam) for part in rows]


def _mapper(
    parts: list[_Part], maps: GradcamConfig, crop: CropConfig, seed: int, agent: Path, rollouts: Path
) -> Compute:
    play = open_store(rollouts, ROLLOUTS)
    tokenizer = load_recorded_tokenizer(play, agent)
    background = draw_background(play, tokenizer, maps.samples, seed)

    def compute(shard: range) -> Arrays:
        part = parts[shard.start]
        sample = load_sample(play, tokenizer, part.selection)
        if part.vary_gradcam:
            return pack_variants(vary_gradcam(sample, maps, crop))
        return pack_variants(compare_methods(sample, maps, crop, background))

    return compute
