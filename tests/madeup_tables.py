"""Made-up tables and numbers of the report, with the columns that it reads."""

from typing import Any

import numpy as np
import pandas as pd

from irislib.report.tables import AGENT_COLUMNS, BASELINE_COLUMNS, CURVE_COLUMNS, FAMILIES
from irislib.worlds.crafter.game import ACHIEVEMENT_NAMES
from irislib.worlds.crafter.score import crafter_score

LABELS = ["water", "grass", "stone", "display"]


def make_codes(
    tokens: np.ndarray,
    episode: np.ndarray,
    codes: int,
    lit: list[tuple[int, int]],
    regions: bool,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Every code: some unused, some with empty maps alone, some with too few crops, some consistent."""
    present = np.array([[code in step for code in range(codes)] for step in tokens])
    lights = np.zeros(codes, int)
    np.add.at(lights, [code for _, code in lit], 1)
    shown, table = lights > 0, pd.DataFrame({"code": range(codes)})
    table["uses"] = np.bincount(tokens.ravel(), minlength=codes)
    table["steps_present"] = present.sum(axis=0)
    table["empty_share"] = 1 - lights / np.where(present.any(axis=0), table["steps_present"], np.nan)
    table["crops"] = table["distinct_crops"] = lights * regions
    table["episodes"] = [
        len({episode[step] for step, other in lit if other == code}) * regions for code in range(codes)
    ]
    for name in ("consistency", "monosemanticity"):
        table[f"{name}_elsewhen"] = np.where(shown & regions, rng.uniform(0.5, 0.8, codes), np.nan)
        table[name] = table[f"{name}_elsewhen"] + rng.normal(0.05, 0.08, codes)
    tested = table["episodes"] > 1
    table["difference"] = np.where(tested, rng.normal(0.02, 0.06, codes), np.nan)
    table["difference_low"] = table["difference"] - 0.05
    table["difference_high"] = table["difference"] + 0.04
    table["confirmed"] = np.where(tested, rng.uniform(0, 1, codes), np.nan)
    table["consistent"] = table["confirmed"] >= 0.5
    table["random_difference"] = np.where(tested, rng.normal(0.05, 0.06, codes), np.nan)
    table["random_confirmed"] = np.where(tested, rng.uniform(0, 1, codes), np.nan)
    table["beats_random"] = table["random_confirmed"] > 0.5
    table["label"] = [LABELS[code // 2 % len(LABELS)] if shown[code] else None for code in range(codes)]
    table["label_share"] = np.where(shown, rng.uniform(0.3, 1, codes), np.nan)
    table["label_lift"] = np.where(shown, rng.uniform(0.5, 4, codes), np.nan)
    table["iou_label"] = [LABELS[code // 3 % len(LABELS)] if shown[code] else None for code in range(codes)]
    table["iou"] = np.where(shown, rng.uniform(0, 0.3, codes), np.nan)
    table["iou_elsewhen"] = table["iou"] * 0.9
    table["kind"] = pd.Series(np.where(table["label"] == "display", "display", "world")).where(shown)
    named = tested & (table["kind"] == "world") & (rng.random(codes) < 0.5)
    table["name"] = table["label"].where(named)
    item = table["code"].map(lambda code: "wood" if code % 16 == 6 else "drink")
    table["item"] = item.where(tested & (table["kind"] == "display"))
    for column, low in (("name", 0.2), ("item", 1.5)):
        known = table[column].notna()
        table[f"{column}_{'share' if column == 'name' else 'mean'}"] = np.where(known, 2 * low, np.nan)
        table[f"{column}_expected"] = np.where(known, low, np.nan)
        table[f"{column}_confirmed"] = np.where(known, 0.75, np.nan)
    return table


def meetings(table: pd.DataFrame, steps: int, episodes: int, rng: np.random.Generator) -> pd.DataFrame:
    """What is said of pairs as of sets."""
    n = len(table)
    return table.assign(
        share=table["count"] / steps,
        episodes=episodes,
        confirmed=rng.uniform(0, 1, n),
        meaningful=rng.random(n) < 0.2,
    )


def make_embedders(alive: bool) -> pd.DataFrame:
    rows = []
    for weights, cosine in (("cells", 0.3), ("random", 0.7)):
        found = {
            "tested": 6 * alive, "confirmed": 4.2 * alive, "low": 2 * alive, "high": 5 * alive, "null": 0.1,
            "mean_cosine": cosine + 0.1, "mean_cosine_elsewhen": cosine, "median_difference": 0.1,
            "label_overlap": 0.8, "label_overlap_chance": 0.3,
        }  # fmt: skip
        rows.append({"weights": weights, "size": 32, "dimension": 512} | found)
    undefined = [name for name in rows[0] if name.startswith(("mean", "median", "label"))]
    return pd.DataFrame(rows) if alive else pd.DataFrame(rows).assign(**dict.fromkeys(undefined, np.nan))


def make_power() -> pd.DataFrame:
    rows = [("water", 6, 20, 0.25), ("grass", 8, 20, 1.0), ("nothing", 8, 20, 0.05)]
    return pd.DataFrame(rows, columns=["label", "episodes", "planted", "named"])


def make_baselines(alive: bool) -> pd.DataFrame:
    """The analysed codes under each attribution, and four other tokenizers at the tokens' own patches."""
    others = ("untrained", "mean_colour", "patches", "shuffled")
    keys = [("agent", way) for way in ("change", "position", "gradcam")]
    keys += [(name, "position") for name in others]
    rows = []
    for i, (tokenizer, attribution) in enumerate(keys):
        row: dict[str, Any] = {"tokenizer": tokenizer, "attribution": attribution, "codes_used": 9 - i}
        level = 0 if tokenizer == "shuffled" else alive * (4.5 + i)
        for family in FAMILIES:
            row |= {f"{family}_tested": 8, f"{family}_confirmed": level, f"{family}_low": 0.6 * level}
            row |= {f"{family}_high": 1.5 * level, f"{family}_null": 0.1}
        nmi = 0.2 + 0.01 * i if alive else np.nan
        row |= {"pairs_covered": 0.2, "nmi": nmi, "nmi_low": nmi - 0.02, "nmi_high": nmi + 0.02}
        rows.append(row | {"nmi_place": 0.1, "purity": 0.6, "purity_base": 0.5})
    return pd.DataFrame(rows)[BASELINE_COLUMNS]


def make_agents() -> pd.DataFrame:
    """Two agents that play like random actions, and in another world two that learned."""
    rows = [
        ("made-up", "default", 0, 8, 16, 512, 200, 24.0, 1.8, 1.0, 1.7, 1.0, 1.5, 70.0, 0.2, 0.03),
        ("made-up", "cells", 0, 8, 81, 512, 100, 30.0, 2.1, 1.2, 1.7, 1.0, np.nan, 210.0, 0.2, 0.03),
    ]
    for seed, apart in enumerate((-0.02, 0.0, 0.02)):
        play = (0.9 + apart, 0.1, 0.3 - apart, 0.2, np.nan)
        rows.append(("toy", "toy", seed, 64, 16, 512, 30 + seed, 35.0 + seed, *play, 8.0, 0.2, 0.03))
        play = (0.8 + apart * 1.1, 0.1, 0.3 - apart, 0.2, np.nan)
        rows.append(("toy", "toy-cells", seed, 64, 36, 512, 7, 41.0, *play, 5.0, 0.2, 0.03))
    return pd.DataFrame(rows, columns=AGENT_COLUMNS)


def make_agent_curves() -> pd.DataFrame:
    """How they learned: the return rises in a straight line to what it is at the end."""
    rows = [
        (row.world, row.agent, row.seed, step, row.return_mean * step / 1200)
        for row in make_agents().itertuples()
        for step in (400, 800, 1200)
    ]
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def make_replicates() -> pd.DataFrame:
    """Two halves and two recordings; one run of the second comparison is out of the other's range."""
    rows = []
    for comparison, runs in {"halves": (4.0, 5.0), "recordings": (4.0, 9.0)}.items():
        for run, confirmed in zip(("first", "second"), runs, strict=True):
            row: dict[str, Any] = {"comparison": comparison, "run": run, "episodes": 32}
            for family in FAMILIES:
                row |= {f"{family}_confirmed": confirmed, f"{family}_low": confirmed - 1}
                row |= {f"{family}_high": confirmed + 1}
            rows.append(row)
    return pd.DataFrame(rows)


def make_sensitivity(alive: bool) -> pd.DataFrame:
    rows = []
    for score in ("mean", "norm"):
        for layer in ("code_input", "decoder.mid"):
            for masking in ("before", "after"):
                empty = (0.2 if layer == "code_input" else 0.1) if alive else 1.0
                chosen = (score, layer, masking) == ("mean", "code_input", "before")
                key = {"score": score, "layer": layer, "masking": masking, "chosen": chosen}
                rows.append({**key, **decomposed(empty)})
    return pd.DataFrame(rows)


def make_attributions(alive: bool) -> pd.DataFrame:
    rows = []
    for method in ("gradcam", "hirescam", "integrated_gradients", "gradient_shap", "occlusion"):
        for masking in ("before", "after"):
            faithful = {"right_sign": 0.55, "missed": 0.4, "latents": -0.01, "latents_error": 0.02}
            key = {"method": method, "masking": masking}
            rows.append({**key, **decomposed(0.3 if alive else 1.0), **faithful})
    return pd.DataFrame(rows)


def decomposed(empty: float) -> dict[str, float]:
    """What becomes of the maps of 40 pairs."""
    return {
        "occurrences": 40, "zero": empty / 4, "negative": 3 * empty / 4, "mixed": (1 - empty) / 2,
        "positive": (1 - empty) / 2, "no_region": (1 - empty) / 10, "faint": (1 - empty) / 2, "unused": 0.1,
        "absent": 0.6, "present_occurrences": empty, "low": max(empty - 0.03, 0),
        "high": min(empty + 0.04, 1), "all_codes_all_steps": 0.7 + 0.3 * empty,
        "codes_always_empty": 0.1 + 0.9 * empty, "present_occurrences_before_relu": empty / 4,
        "all_codes_all_steps_before_relu": 0.7, "codes_always_empty_before_relu": 0.1,
    }  # fmt: skip


def make_metrics(
    codes: int, alive: bool, tested: bool, table: pd.DataFrame, episodes: int, pairs: pd.DataFrame
) -> dict[str, Any]:
    def only_alive(value: float) -> float | None:
        return value if alive else None

    def only_tested(value: float) -> float | None:
        return value if tested else None

    empty = {"present_occurrences": 0.51, "all_codes_all_steps": 0.912, "codes_always_empty": 0.62}
    empty |= {"used_codes_always_empty": 0.4, "distinct_maps": 0.47}
    empty = {key: share if alive else 1.0 for key, share in empty.items()}
    values = {
        "nmi": 0.12, "nmi_low": 0.1, "nmi_high": 0.14, "nmi_null": 0.04, "nmi_place": 0.11,
        "homogeneity": 0.2, "completeness": 0.1, "purity": 0.6, "purity_low": 0.55, "purity_high": 0.65,
        "purity_null": 0.41, "purity_place": 0.5, "purity_base": 0.4,
    }  # fmt: skip
    agreement = {key: only_alive(value) for key, value in values.items()}
    return {
        "agent": {
            "episodes": episodes, "transitions": 40, "return_mean": 1.53, "return_std": 0.4,
            "length_mean": 167.2, "psnr_db": 21.37, "training_steps": 6000,
        },
        "codebook": {
            "size": codes, "used": int((table["uses"] > 0).sum()), "perplexity": 5.25,
            "codes_per_observation": 4.1,
        },
        "empty_share": empty | {f"{key}_before_relu": 0.1 for key in empty},
        "strata": {"day": 0.6, "night": 0.25, "hidden": 0.15},
        "crops": {"regions": 90, "crops": 60, "distinct_crops": 50, "codes_with_crops": 6},
        "consistency": found(int(table["consistent"].sum()), int(table["confirmed"].notna().sum()))
        | {
            "mean_cosine": only_tested(0.71), "mean_cosine_elsewhen": only_tested(0.64),
            "median_difference": only_tested(0.021), "mean_monosemanticity": only_tested(0.7),
            "mean_monosemanticity_elsewhen": only_tested(0.6),
        },
        "random": found(int(table["beats_random"].sum()), int(table["confirmed"].notna().sum()))
        | {"mean_cosine": only_tested(0.6)},
        "names": found(int(table["name"].notna().sum()), 40 * tested)
        | {"by_label": {label: int((table["name"] == label).sum()) for label in LABELS[:-1]}},
        "items": found(int(table["item"].notna().sum()), 30 * tested),
        "pairs": found(int(pairs["meaningful"].sum()), len(pairs) * tested) | {"covered": 0.0345 * tested},
        "sets": found(0, 0) | {"covered": 0.0},
        "agreement": agreement | {"nmi": only_alive(0.31)},
        "world": agreement,
        "overlap": {"mean_iou": only_alive(0.2), "mean_iou_place": only_alive(0.1)},
    }  # fmt: skip


def found(holds: int, tested: int) -> dict[str, float | None]:
    """What is said of a family of findings."""
    return {
        "tested": tested, "selected": 1.6 * holds, "confirmed": 1.2 * holds, "low": 0.8 * holds,
        "high": 1.5 * holds, "confirmation": 0.75 if holds else None, "holds": holds, "null": 0.05 * holds,
    }  # fmt: skip


def make_evaluation(trained: bool) -> dict[str, Any]:
    rates = {name: 0.7 * trained if name == "wake_up" else 0.0 for name in ACHIEVEMENT_NAMES}
    return {
        "episodes": 3, "steps": 500, "return_mean": 1.87, "return_std": 0.31, "length_mean": 166.7,
        "achievements": rates, "score": crafter_score(list(rates.values())),
        "psnr": 22.46 if trained else None, "perplexity": 7.31, "codes_used": 9,
        "world_model": {"observations": 1.234, "rewards": 0.0567, "ends": 0.0089},
        "random": {"return_mean": 1.21, "return_std": 0.47, "length_mean": 158.2},
    }  # fmt: skip
