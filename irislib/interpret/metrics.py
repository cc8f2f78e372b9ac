"""The metrics stage: reads the stores, measures each step of the protocol, writes the numbers."""

from pathlib import Path
from typing import Any

import pandas as pd

from irislib.artifacts import open_store, write_json
from irislib.interpret.attribution.emptiness import measure_emptiness
from irislib.interpret.consistency.monosemanticity import crop_activation
from irislib.interpret.crops.attribution_kinds import read_attribution
from irislib.interpret.crops.measure import measure_crops
from irislib.interpret.crops.regions import crop_config
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.interpret.evidence import read_crops, read_maps
from irislib.interpret.findings import find
from irislib.interpret.labels.naming import label_by_code, labels_table
from irislib.interpret.labels.overlap import overlap_labels
from irislib.interpret.labels.power import power_table
from irislib.interpret.labels.truth import read_truth
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.observations.strata import STRATA
from irislib.interpret.observations.visible import Visible, read_visible
from irislib.interpret.play_metrics import playing_metrics
from irislib.interpret.tables import write_tables
from irislib.stores.agent import read_about
from irislib.stores.changes import CHANGES
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.context import past_of
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.tokenizers.reconstruction import reconstruction_psnr

# The numbers that `dvc metrics` and `dvc exp show` list: metrics.json. All others are in details.json.
HEADLINE = {
    "agent": ("return_mean", "psnr_db"),
    "codebook": ("used", "perplexity"),
    "empty_share": ("present_occurrences", "codes_always_empty"),
    "consistency": ("tested", "confirmed"),
    "names": ("confirmed",),
    "items": ("confirmed",),
    "pairs": ("confirmed", "covered"),
    "world": ("nmi", "nmi_place", "purity"),
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

    Empty maps are those of Grad-CAM, as in the paper. Everything else rests on the change maps.

    Args:
        config: the `metrics` section.
        seed: the pipeline's.
        agent: folder of the agent that was recorded.
        rollouts: store of recorded play.
        heatmaps: store of the Grad-CAM maps of these rollouts.
        changes: store of their change maps.
        crops: store of the crops under the change maps.
        embeddings: store of the features of these crops.
        out: folder that receives metrics.json, details.json, codes.csv, pairs.csv, sets.csv, labels.csv and
            power.csv, each whole or not at all; other files there are left alone. docs/metrics.md describes
            them.

    Raises:
        ArtifactError: an input is missing, foreign or damaged, or they do not belong together.
    """
    play, drawn, changed = (
        open_store(rollouts, ROLLOUTS),
        open_store(heatmaps, HEATMAPS),
        open_store(changes, CHANGES),
    )
    boxes, features = open_store(crops, CROPS), open_store(embeddings, EMBEDDINGS)
    tokenizer = load_recorded_tokenizer(play, agent)
    some = evenly_spaced(len(play), config.psnr_frames)
    context = past_of(play.read, some, tokenizer.context_length)
    truth, visible = read_truth(play), read_visible(play, seed)

    usage, emptiness = measure_emptiness(play, read_maps(play, drawn))
    attribution = read_attribution("change", play, changed, truth.boxes, crop_config(boxes))
    maps = attribution.maps
    cut = read_crops(boxes, features, changed, maps)
    found = find(
        truth, visible, attribution, cut, crop_activation(changed, maps, cut), config, seed, whole=True
    )
    overlap = overlap_labels(truth, changed, maps, visible, boxes.attrs["threshold"])
    labelled = label_by_code(found.labels.mass, overlap)
    codes = pd.concat([usage, found.consistency, labelled, found.labels.codes], axis=1)
    numbers = {
        "agent": {
            **playing_metrics(play),
            "psnr_db": reconstruction_psnr(tokenizer, play.read("obs", some), context).mean(),
            "training_steps": read_about(agent)["steps"],
        },
        "strata": stratum_shares(visible),
        **emptiness,
        "crops": measure_crops(cut),
        "overlap": {"mean_iou": labelled["iou"].mean(), "mean_iou_place": labelled["iou_elsewhen"].mean()},
        **found.summary,
    }
    write_tables(
        out,
        {
            "codes": codes.rename_axis("code").reset_index(),
            "pairs": found.groups.pairs,
            "sets": found.groups.sets,
            "labels": labels_table(found.labels.mass, overlap, found.labels.names),
            "power": power_table(truth, visible, found.labels.names.found, found.halves, config.alpha, seed),
        },
    )
    headline, details = split_headline(numbers)
    write_json(out / "details.json", details)
    write_json(out / "metrics.json", headline)


def stratum_shares(visible: Visible) -> dict[str, float]:
    """Share of the observations in each stratum."""
    return {name: float((visible.stratum == index).mean()) for index, name in enumerate(STRATA)}


def split_headline(numbers: dict[str, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The numbers in `HEADLINE`, in its order, and all others."""
    headline = {section: {key: numbers[section][key] for key in keys} for section, keys in HEADLINE.items()}
    details = {
        section: {key: value for key, value in values.items() if key not in HEADLINE.get(section, ())}
        for section, values in numbers.items()
    }
    return headline, details
