"""Made-up results of the study, with planted numbers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

# What an arm varies, its recall, its PSNR, its tokens a frame, and its codes.
ARMS: Mapping[str, tuple[str, float, float, int, int]] = {
    "iris": ("nothing", 0.3, 25.0, 16, 512),
    "long": ("training", 0.3, 26.0, 16, 512),
    "ema": ("quantizer", 0.31, 25.0, 16, 512),
    "cells": ("grid", 0.9, 28.0, 81, 512),
    "taught": ("alignment", 0.75, 24.8, 16, 512),
    "k-means": ("no_learning", 0.95, 29.0, 81, 512),
}
# The arms of another world, in which small patches help less and labels do harm.
WORLD_ARMS = {
    "iris": ARMS["iris"],
    "no-attention": ("receptive_field", 0.3, 25.0, 16, 512),
    "patch-8": ("grid", 0.6, 28.0, 64, 512),
    "iris-labels": ("alignment", 0.2, 24.8, 16, 512),
}
SEEDS = {"iris": (0, 1, 2, 3, 4)}
STEPS, LONG = 1500, 6000


def write_results(folder: Path, arms: Mapping[str, tuple[str, float, float, int, int]] = ARMS) -> Path:
    """A result for each arm and seed; `long` has snapshots, at which the recall is still lower."""
    folder.mkdir(parents=True, exist_ok=True)
    for arm, (varies, recall, psnr, tokens, codes) in arms.items():
        for seed in SEEDS.get(arm, (0, 1, 2)):
            result = {"arm": arm, "asks": "?", "varies": varies, "compared_with": "", "seed": seed}
            steps = LONG if arm == "long" else 0 if varies == "no_learning" else STEPS
            result |= _measures(arm, seed, steps, recall, psnr, tokens, codes)
            if arm == "long":
                result["snapshots"] = [_measures(arm, seed, 100, 0.1, 20.0, 16, 512)]
            (folder / f"{arm}-{seed}.json").write_text(json.dumps(result))
    return folder


def _measures(
    arm: str, seed: int, steps: int, recall: float, psnr: float, tokens: int, codes: int
) -> dict[str, Any]:
    # The seed moves all arms alike, and each of them a little more.
    moved = 0.02 * seed + float(np.random.default_rng([seed, *arm.encode()]).normal(0, 0.002))
    recall, bits = recall + moved, tokens * float(np.log2(codes))
    return {
        "steps": steps,
        **{"recall": recall, "purity": 0.6 + 0.4 * min(1, recall), "purity_base": 0.6, "codes": codes},
        **{"nmi": 0.1 + 0.8 * recall, "nmi_place": 0.1, "psnr_db": psnr + moved, "bits_per_frame": bits},
        "share_consistent_beyond_place": min(1, recall),
        "consistency": {"pixels": {"share_by_chance": 0.02}},
        **{"locality": recall, "locality_chance": 0.02, "locality_above_chance": recall - 0.02},
        **{"entropy_bits_per_frame": 0.8 * bits, "empty_share": 0.4, "receptive_field": 8},
        "receptive_field_limit": None,
        "reading": {"grass": {size: min(1, recall + 0.1 * i) for i, size in enumerate("1248")}},
        "reading_coverage": {size: min(1, recall + 0.1 * i) for i, size in enumerate("1248")},
        "labels_left_out": ["diamond"],
    }
