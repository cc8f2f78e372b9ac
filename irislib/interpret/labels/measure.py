"""What the codes show, by the simulator's labels: tables by code and by label, and their summary (step 9)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from irislib.artifacts import Store
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.agreement import semantic_metrics
from irislib.interpret.labels.label_mass import LabelMass, label_occurrences
from irislib.interpret.labels.naming import WORLD, label_by_code, labels_table, token_labels
from irislib.interpret.labels.overlap import overlap_labels
from irislib.interpret.labels.position_baseline import expect_labels, judge_labels
from irislib.interpret.labels.quantities import read_quantities
from irislib.interpret.labels.token_labels import label_tokens
from irislib.interpret.labels.truth import DISPLAY, read_truth
from irislib.interpret.metrics_config import MetricsConfig


@dataclass(frozen=True)
class MeasuredLabels:
    """What `measure_labels` finds.

    Attributes:
        mass: what lies under the maps.
        codes: one row for each code: the columns of `label_by_code`, `token_labels` and `read_quantities`.
        labels: one row for each code and label; see `labels_table`.
        agreement: how well codes and labels agree, by name. `world` leaves the display out, because telling
            the display from the world makes up most of the agreement; `cells` is over the tokens' own
            positions instead of the maps.
    """

    mass: LabelMass
    codes: pd.DataFrame
    labels: pd.DataFrame
    agreement: dict[str, Any]


def measure_labels(
    rollouts: Store, heatmaps: Store, maps: Maps, threshold: float, config: MetricsConfig, seed: int
) -> MeasuredLabels:
    """Compares the maps and the tokens of the codes with the simulator's labels.

    Args:
        rollouts: recorded play.
        heatmaps: store of the maps.
        maps: which occurrence has which map.
        threshold: `crop.threshold`, for the overlap of regions and labels.
        config: the `metrics` section.
        seed: the pipeline's.
    """
    alpha, permutations = config.alpha, config.permutations
    truth = read_truth(rollouts)
    mass = label_occurrences(truth, heatmaps, maps, seed)
    overlap = overlap_labels(truth, heatmaps, maps, threshold, seed)
    expected = expect_labels(mass, truth, maps.episode)
    tests = judge_labels(mass, expected, alpha, permutations, seed)
    tokens, tokens_elsewhen = label_tokens(rollouts, truth, maps.codes, seed)
    by_code = label_by_code(mass, overlap, tests, alpha)
    on_display = np.flatnonzero(by_code["kind"] == DISPLAY)
    quantities = read_quantities(
        truth, maps.episode, mass, maps.presence, on_display, alpha, permutations, seed
    ).reindex(by_code.index)
    return MeasuredLabels(
        mass,
        pd.concat([by_code, token_labels(truth.names, tokens), quantities], axis=1),
        labels_table(mass, overlap, expected, tests, alpha),
        {
            "world": semantic_metrics(mass.counts[:, :-1], mass.elsewhen[:, :-1], seed),
            "cells": semantic_metrics(tokens, tokens_elsewhen, seed),
            **semantic_metrics(mass.counts, mass.elsewhen, seed),
        },
    )


def summarise_names(codes: pd.DataFrame, alpha: float) -> dict[str, float]:
    """Numbers of codes by what they show; means are over the codes with a non-empty map.

    A code is named when it shows more of its commonest label than its positions explain. A code tells a
    quantity when it stands on the display and its presence correlates with the number displayed there.

    Args:
        codes: the table `codes`, with the columns of consistency and of labels.
        alpha: false discovery rate.
    """
    seen = codes[codes["label"].notna()]
    return {
        "mean_iou": seen["iou"].mean(),
        "mean_iou_place": seen["iou_elsewhen"].mean(),
        "codes_world": int((seen["kind"] == WORLD).sum()),
        "codes_display": int((seen["kind"] == DISPLAY).sum()),
        "codes_telling_quantity": int((seen["quantity_q_value"] <= alpha).sum()),
        "codes_named": int(seen["named"].sum()),
        "codes_consistent_named": int((seen["named"] & seen["consistent"]).sum()),
    }
