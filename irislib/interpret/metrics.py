"""The `metrics` section of params.yaml, and every number of the protocol in five files."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt, Le, Lt

from irislib.artifacts import open_store, write_json
from irislib.interpret.attribution.emptiness import (
    codebook_metrics,
    count_uses,
    empty_shares,
    map_metrics,
    usage_by_code,
)
from irislib.interpret.consistency.codes import score_codes
from irislib.interpret.consistency.monosemanticity import crop_activation
from irislib.interpret.consistency.same_place import score_places
from irislib.interpret.cooccurrence.independence_test import Meetings
from irislib.interpret.cooccurrence.pairs import presence, score_pairs
from irislib.interpret.cooccurrence.sets import score_sets
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.interpret.evidence import read_crops, read_maps
from irislib.interpret.labels.agreement import semantic_metrics
from irislib.interpret.labels.label_mass import label_pairs
from irislib.interpret.labels.naming import label_by_code, labels_table, token_labels
from irislib.interpret.labels.overlap import overlap_labels
from irislib.interpret.labels.position_baseline import expect_labels, judge_labels
from irislib.interpret.labels.quantities import read_quantities
from irislib.interpret.labels.token_labels import label_tokens
from irislib.interpret.labels.truth import DISPLAY, read_truth
from irislib.interpret.play_metrics import playing_metrics
from irislib.interpret.summaries import (
    consistency_metrics,
    cooccurrence_metrics,
    crop_metrics,
    naming_metrics,
    set_metrics,
)
from irislib.params import STRICT, require
from irislib.stores.agent import read_about
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.tokenizers.reconstruction import reconstruction_psnr
from irislib.workdir import write_atomically


@dataclass(frozen=True)
class MetricsConfig:
    """When a finding counts.

    Attributes:
        alpha: false discovery rate of each family of tests: codes that are consistent, labels that are shown,
            pairs and sets of codes that meet.
        permutations: of the signs of episodes; all of them where there are no more.
        min_crops: crops that a code needs to be tested, and observations with crops that a pair of codes
            needs to be interpretable.
        min_pair_count: observations that two codes must share to be listed.
        min_set_share: of all observations, that three codes or more must share to be listed as a set; never
            fewer than `min_pair_count` of them.
        max_set_size: codes a set, at most.
        psnr_frames: frames that the reconstruction is judged on, at most, evenly spaced over the rollouts.
    """

    __pydantic_config__ = STRICT
    alpha: Annotated[float, Gt(0), Lt(1)]
    permutations: Annotated[int, Ge(1)]
    min_crops: Annotated[int, Ge(2)]
    min_pair_count: Annotated[int, Ge(1)]
    min_set_share: Annotated[float, Ge(0), Lt(1)]
    max_set_size: Annotated[int, Ge(3), Le(8)]
    psnr_frames: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        least = math.ceil(1 / self.alpha) - 1
        require(
            1 / (self.permutations + 1) <= self.alpha,
            "permutations",
            f"{self.permutations} can never reach a p-value of {self.alpha}; use at least {least}",
        )


def compute_metrics(
    config: MetricsConfig,
    seed: int,
    agent: Path,
    rollouts: Path,
    heatmaps: Path,
    crops: Path,
    embeddings: Path,
    out: Path,
) -> None:
    """Measures empty maps, consistency, co-occurrence and what the codes show (protocol steps 4, 7, 8, 9).

    Args:
        config: the `metrics` section.
        seed: the pipeline's.
        agent: folder of the agent that was recorded.
        rollouts: store of recorded play.
        heatmaps: store of the maps of these rollouts.
        crops: store of the crops under these maps.
        embeddings: store of the features of these crops.
        out: folder that receives metrics.json, codes.csv, pairs.csv, sets.csv and labels.csv, each whole or
            not at all; other files there are left alone.

    Raises:
        ArtifactError: an input is missing, foreign or damaged, or they do not belong together.
    """
    recorded, drawn, boxes = (
        open_store(rollouts, ROLLOUTS),
        open_store(heatmaps, HEATMAPS),
        open_store(crops, CROPS),
    )
    maps = read_maps(recorded, drawn)
    cut = read_crops(boxes, open_store(embeddings, EMBEDDINGS), drawn, maps)
    tokenizer = load_recorded_tokenizer(recorded, agent)
    seen = recorded.read("obs", evenly_spaced(len(recorded), config.psnr_frames))
    alpha, draws = config.alpha, config.permutations

    uses = count_uses(recorded, maps.codes)
    activation = crop_activation(drawn, maps, cut)
    scores = score_codes(cut, activation, maps.codes, seed, alpha, draws, config.min_crops)
    box = boxes.read("crop_box")[~boxes.read("crop_random")]
    places = score_places(cut, box, maps.codes, seed, alpha, draws, config.min_crops)
    consistent = scores["consistent"].to_numpy()

    truth = read_truth(recorded)
    labels = label_pairs(truth, drawn, maps, seed)
    overlap = overlap_labels(truth, drawn, maps, boxes.attrs["threshold"], seed)
    expected = expect_labels(labels, truth, maps.episode)
    tests = judge_labels(labels, expected, alpha, draws, seed)
    tokens, tokens_elsewhen = label_tokens(recorded, truth, maps.codes, seed)
    shown = label_by_code(labels, overlap, tests, alpha)

    present = presence(maps)
    on_display = np.flatnonzero(shown["kind"] == DISPLAY)
    quantities = read_quantities(truth, maps.episode, labels, present, on_display, alpha, draws, seed)
    meetings = Meetings.of(present, maps.episode)
    together = score_pairs(
        maps, meetings, cut, labels, consistent, alpha, config.min_crops, config.min_pair_count
    )
    min_set_count = max(config.min_pair_count, math.ceil(config.min_set_share * maps.steps))
    sets = score_sets(
        meetings,
        present,
        shown["label"].to_numpy(object),
        consistent,
        alpha,
        min_set_count,
        config.max_set_size,
    )

    codes = pd.concat(
        [
            usage_by_code(maps, uses),
            scores,
            places,
            shown,
            token_labels(truth.names, tokens),
            quantities.reindex(scores.index),
        ],
        axis=1,
    )
    metrics = {
        "agent": {
            **playing_metrics(recorded),
            "psnr_db": reconstruction_psnr(tokenizer, seen).mean(),
            "training_steps": read_about(agent)["steps"],
        },
        "codebook": codebook_metrics(maps, uses),
        "empty_share": empty_shares(maps),
        "maps": map_metrics(maps),
        "crops": crop_metrics(cut),
        "consistency": consistency_metrics(scores, places, alpha),
        "cooccurrence": cooccurrence_metrics(together, config.min_crops) | set_metrics(sets),
        "semantics": {
            **semantic_metrics(labels.counts, labels.elsewhen, seed),
            **naming_metrics(codes, alpha),
            # Telling the display from the world is most of the agreement, so once without the display.
            "world": semantic_metrics(labels.counts[:, :-1], labels.elsewhen[:, :-1], seed),
            "cells": semantic_metrics(tokens, tokens_elsewhen, seed),
        },
    }
    tables = {
        "codes": codes.reset_index(),
        "pairs": together.pairs,
        "sets": sets.table,
        "labels": labels_table(labels, overlap, expected, tests, alpha),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_atomically(out / f"{name}.csv", table.to_csv(index=False, float_format="%.6g").encode())
    write_json(out / "metrics.json", metrics)
