"""The baselines stage: the same findings for codes that mean nothing, or no more than a colour.

Also for the three attributions of the analysed codes, so that what Grad-CAM adds can be read off. All rows
are computed alike, with fewer crops a code than the main analysis.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int16

from irislib.artifacts import Store, open_store
from irislib.baselines.fit import NAMES, fit_baseline, fitting_steps, left_out
from irislib.baselines.shuffled import shuffled
from irislib.interpret.crops.attribution_kinds import (
    KINDS,
    Attribution,
    Kind,
    attribute_positions,
    read_attribution,
)
from irislib.interpret.crops.cropping import plan_crops
from irislib.interpret.crops.in_memory import crops_to_embed, with_features
from irislib.interpret.crops.regions import CropConfig
from irislib.interpret.embedding.embed import EmbedConfig, find_distinct, make_network
from irislib.interpret.evidence import Crops
from irislib.interpret.findings import find
from irislib.interpret.labels.truth import Truth, read_truth
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.observations.visible import Visible, read_visible
from irislib.interpret.tables import write_tables
from irislib.runtime import workers
from irislib.shards import Arrays, Compute, Shards, compute_shards
from irislib.stores.changes import CHANGES
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.tokenizers.reconstruction import encode_frames
from irislib.workdir import work_in

PARTS = ("tested", "confirmed", "low", "high", "null")
AGREEMENT = ("nmi", "nmi_low", "nmi_high", "nmi_place", "purity", "purity_base")
CROPS_PER_CODE = 16
ROWS = 4096  # frames encoded at once


def compare_baselines(
    metrics: MetricsConfig,
    crop: CropConfig,
    embed: EmbedConfig,
    seed: int,
    agent: Path,
    embedder: Path,
    rollouts: Path,
    heatmaps: Path,
    changes: Path,
    work: Path,
    out: Path,
) -> None:
    """Writes baselines.csv, one row for each tokenizer and attribution; docs/metrics.md describes it.

    Baselines have no trained decoder, so their maps are position masks: compare them with the position row of
    the agent. Rows are computed side by side, and resumed after a crash.

    Args:
        metrics: the `metrics` section.
        crop: the `crop` section; at most `CROPS_PER_CODE` crops a code are taken.
        embed: the `embed` section.
        seed: the pipeline's.
        agent: folder of the agent.
        embedder: folder of the embedder stage.
        rollouts: store of recorded play.
        heatmaps: store of the Grad-CAM maps of these rollouts.
        changes: store of their change maps.
        work: where finished rows wait for the rest.
        out: folder that receives the table, whole or not at all.

    Raises:
        ParamError: the embedder's weights cannot be had.
        ArtifactError: an input is missing, foreign or damaged, or they do not belong together.
        IrislibError: a worker died, or another process makes this very table.
    """
    # All of them first, so that what is missing or damaged is reported before the work begins.
    play, *_ = (
        open_store(path, schema)
        for path, schema in ((rollouts, ROLLOUTS), (heatmaps, HEATMAPS), (changes, CHANGES))
    )
    make_network(embed.weights, embed, seed, embedder)
    frame = play.array("obs").shape[1:3]
    reasons = left_out(load_recorded_tokenizer(play, agent), (frame[0], frame[1]))
    cases: list[tuple[str, Kind]] = [("agent", kind) for kind in KINDS]
    cases += [(name, "position") for name in (*NAMES, "shuffled") if name not in reasons]
    settings = Settings(metrics, crop, embed, seed, agent, embedder, rollouts, heatmaps, changes)
    with work_in(work, "baselines", *settings.inputs()) as folder:
        shards = Shards("row", len(cases), 1, folder)
        # The last rows take longest, because their codes must be made first.
        todo = shards.unfinished()[::-1]
        compute_shards(shards, todo, workers(), "baselines", _rows, cases, settings)
        rows: list[dict[str, Any]] = [
            {"tokenizer": tokenizer, "attribution": kind}
            | {name: value.item() for name, value in numbers.items()}
            for (tokenizer, kind), numbers in zip(cases, shards.results(), strict=True)
        ]
        write_tables(out, {"baselines": pd.DataFrame(rows)})


@dataclass(frozen=True)
class Settings:
    """The arguments of `compare_baselines` that decide a row."""

    metrics: MetricsConfig
    crop: CropConfig
    embed: EmbedConfig
    seed: int
    agent: Path
    embedder: Path
    rollouts: Path
    heatmaps: Path
    changes: Path

    def inputs(self) -> list[Any]:
        """JSON values, and paths whose content counts."""
        sections = [asdict(section) for section in (self.metrics, self.crop, self.embed)]
        paths = (self.agent, self.embedder, self.rollouts, self.heatmaps, self.changes)
        # Not every embedder has a folder.
        return [*sections, self.seed, *(path for path in paths if path.exists())]


def _rows(cases: list[tuple[str, Kind]], settings: Settings) -> Compute:
    """The numbers of one case at a time, since each takes much memory."""
    play = open_store(settings.rollouts, ROLLOUTS)
    truth, visible = read_truth(play), read_visible(play, settings.seed)

    def compute(shard: range) -> Arrays:
        attribution = _attribute(*cases[shard.start], settings, play, truth, visible)
        cut = cut_and_embed(
            play, visible, attribution, settings.crop, settings.embed, settings.seed, settings.embedder
        )
        activation = np.ones(len(cut.own))
        found = find(truth, visible, attribution, cut, activation, settings.metrics, settings.seed)
        row: dict[str, Any] = {
            "codes_used": len(np.unique(attribution.maps.occurrence_code)),
            **found.row(PARTS),
            "pairs_covered": found.summary["pairs"]["covered"],
            **{name: found.summary["world"][name] for name in AGREEMENT},
        }
        return {name: np.array(value) for name, value in row.items()}

    return compute


def _attribute(
    tokenizer: str, kind: Kind, settings: Settings, play: Store, truth: Truth, visible: Visible
) -> Attribution:
    """The maps of one case: whose codes, and where they lie."""
    crop, seed, boxes = settings.crop, settings.seed, truth.boxes
    if tokenizer == "agent":
        path, schema = (settings.heatmaps, HEATMAPS) if kind == "gradcam" else (settings.changes, CHANGES)
        return read_attribution(kind, play, open_store(path, schema), boxes, crop)
    analysed = load_recorded_tokenizer(play, settings.agent)
    if tokenizer == "shuffled":
        tokens = shuffled(play.read("token"), seed)
    else:
        frames = play.read("obs", fitting_steps(len(play), seed))
        tokens = _encode(fit_baseline(tokenizer, analysed, frames, seed), play)
    return attribute_positions(tokens, len(analysed.codebook), visible.episode, boxes, crop)


def _encode(tokenizer: Any, play: Store) -> Int16[np.ndarray, "observations h w"]:
    starts = range(0, len(play), ROWS)
    return np.concatenate([encode_frames(tokenizer, play.read("obs", slice(i, i + ROWS))) for i in starts])


def cut_and_embed(
    play: Store,
    visible: Visible,
    attribution: Attribution,
    crop: CropConfig,
    embed: EmbedConfig,
    seed: int,
    embedder: Path,
) -> Crops:
    """The crops of each code and their counterparts elsewhen, with features, in memory.

    Args:
        play: the frames.
        visible: which observations show the world.
        attribution: the maps, with their regions.
        crop: the `crop` section.
        embed: the `embed` section.
        seed: the pipeline's.
        embedder: folder of the embedder stage.
    """
    maps, frame, grid = attribution.maps, play.array("obs").shape[1:3], play.array("token").shape[1:]
    most = min(crop.max_per_code, CROPS_PER_CODE)
    regions = attribution.region_map, attribution.region_box
    plan = plan_crops(maps, *regions, visible.stratum, frame, grid, most, seed)
    distinct, row = find_distinct(play, *crops_to_embed(plan))
    features = distinct.embed(make_network(embed.weights, embed, seed, embedder), embed.batch_size, "embed")
    return with_features(plan, maps.episode, len(regions[0]), row, np.concatenate(list(features)))
