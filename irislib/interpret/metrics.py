"""The metrics stage: reads the stores, measures each step of the protocol, writes the numbers."""

from pathlib import Path
from typing import Any

import pandas as pd

from irislib.artifacts import open_store, write_json
from irislib.interpret.attribution.emptiness import measure_emptiness
from irislib.interpret.consistency.measure import measure_consistency
from irislib.interpret.consistency.monosemanticity import crop_activation
from irislib.interpret.cooccurrence.measure import measure_cooccurrence
from irislib.interpret.crops.measure import measure_crops
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.interpret.evidence import read_crops, read_maps
from irislib.interpret.labels.measure import measure_labels, summarise_names
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.play_metrics import playing_metrics
from irislib.interpret.tables import write_tables
from irislib.stores.agent import read_about
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.tokenizers.reconstruction import reconstruction_psnr

# The numbers that `dvc metrics` and `dvc exp show` list: metrics.json. All others are in details.json.
HEADLINE = {
    "agent": ("return_mean", "psnr_db"),
    "codebook": ("used", "perplexity"),
    "empty_share": ("present_occurrences", "codes_always_empty"),
    "consistency": ("share_consistent", "codes_consistent_beyond_place"),
    "cooccurrence": ("observations_covered", "observations_covered_meaningful"),
    "semantics": ("purity", "nmi", "codes_named"),
}


def compute_metrics(
    config: MetricsConfig,
    seed: int,
    agent: Path,
    rollouts: Path,
    heatmaps: Path,
    changes: Path,
    crops: Path,
    embeddings: Path,
    out: Path,
) -> None:
    """Measures empty maps, consistency, co-occurrence and what the codes show (docs/protocol.md).

    Args:
        config: the `metrics` section.
        seed: the pipeline's.
        agent: folder of the agent that was recorded.
        rollouts: store of recorded play.
        heatmaps: store of the Grad-CAM maps of these rollouts.
        changes: store of the maps of change of these rollouts.
        crops: store of the crops under the maps of change.
        embeddings: store of the features of these crops.
        out: folder that receives metrics.json, details.json, codes.csv, pairs.csv, sets.csv and labels.csv,
            each whole or not at all; other files there are left alone. docs/metrics.md describes them.

    Raises:
        ArtifactError: an input is missing, foreign or damaged, or they do not belong together.
    """
    play, drawn = open_store(rollouts, ROLLOUTS), open_store(heatmaps, HEATMAPS)
    changed, boxes = open_store(changes, CHANGES), open_store(crops, CROPS)
    maps, change_maps = read_maps(play, drawn), read_maps(play, changed)
    cut = read_crops(boxes, open_store(embeddings, EMBEDDINGS), changed, change_maps)
    tokenizer = load_recorded_tokenizer(play, agent)
    frames = play.read("obs", evenly_spaced(len(play), config.psnr_frames))

    usage, emptiness = measure_emptiness(play, maps)
    scores, consistency = measure_consistency(
        cut, crop_activation(changed, change_maps, cut), maps.codes, config, seed
    )
    shown = measure_labels(play, drawn, maps, boxes.attrs["threshold"], config, seed)
    codes = pd.concat([usage, scores, shown.codes], axis=1)
    groups, cooccurrence = measure_cooccurrence(
        maps, cut, shown.mass, codes["label"].to_numpy(object), codes["consistent"].to_numpy(bool), config
    )
    numbers = {
        "agent": {
            **playing_metrics(play),
            "psnr_db": reconstruction_psnr(tokenizer, frames).mean(),
            "training_steps": read_about(agent)["steps"],
        },
        **emptiness,
        "crops": measure_crops(cut),
        "consistency": consistency,
        "cooccurrence": cooccurrence,
        "semantics": shown.agreement | summarise_names(codes, config.alpha),
    }
    write_tables(out, {"codes": codes.reset_index(), **groups, "labels": shown.labels})
    headline, details = split_headline(numbers)
    write_json(out / "metrics.json", headline)
    write_json(out / "details.json", details)


def split_headline(numbers: dict[str, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The numbers in `HEADLINE`, in its order, and all others."""
    headline = {section: {key: numbers[section][key] for key in keys} for section, keys in HEADLINE.items()}
    details = {
        section: {key: value for key, value in values.items() if key not in HEADLINE.get(section, ())}
        for section, values in numbers.items()
    }
    return headline, details
