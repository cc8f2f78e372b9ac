"""Small made-up inputs of the report."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recordings import describe, record_play

from irislib.agent import Agent
from irislib.agent.config import ActorCriticConfig, AgentConfig, WorldModelConfig
from irislib.artifacts import writing
from irislib.report.tables import BASELINE_COLUMNS, FAMILIES
from irislib.stores.changes import CHANGES, LEVELS
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.tokenizers.config import TokenizerConfig, VectorQuantizerConfig
from irislib.worlds.crafter import ACHIEVEMENT_NAMES
from irislib.worlds.crafter_score import crafter_score

LABELS = ["water", "grass", "stone", "display"]
SERIES = {
    "tokenizer": ["total", "commitment"],
    "world_model": ["total"],
    "actor_critic": ["total"],
    "collect": ["return", "length"],
}


@dataclass(frozen=True)
class Lacking:
    """What the made-up inputs lack.

    Attributes:
        maps: every map is empty; nothing that needs a map exists, and the agent is untrained.
        regions: no map has a region, so there are no crops, and no code can be tested.
        second_episode: all play is one episode, so no code can be tested.
        rows: tables without rows, by name.
    """

    maps: bool = False
    regions: bool = False
    second_episode: bool = False
    rows: tuple[str, ...] = ()


NOTHING = Lacking()


def write_inputs(
    root: Path, frames: np.ndarray, tokens: np.ndarray, codes: int, lacking: Lacking = NOTHING, seed: int = 0
) -> None:
    """Everything that the report reads, with made-up numbers.

    Args:
        frames: u8 [T,H,W,3].
        tokens: int16 [T,4,4] below `codes`.
    """
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True, exist_ok=True)
    write_agent(root / "agent", frames.shape[1], trained=not lacking.maps)
    write_embedder(root / "embedder")
    episodes = 1 if lacking.second_episode else 2
    episode = (np.arange(len(frames)) * episodes // len(frames)).astype(np.int32)
    write_rollouts(root / "rollouts.zarr", frames, tokens, codes, episode)
    lit = write_maps(root, tokens, codes, not lacking.maps, rng)
    write_crops(root, [] if lacking.regions else lit, tokens, frames.shape[1] // 4, rng)
    (root / "reports").mkdir(exist_ok=True)
    write_tables(root / "reports", tokens, episode, codes, lit, lacking, rng)


def write_rollouts(
    path: Path, frames: np.ndarray, tokens: np.ndarray, codes: int, episode: np.ndarray
) -> None:
    description = describe(goals=ACHIEVEMENT_NAMES)
    record_play(path, frames, tokens, codes, path.with_name("agent"), description, episode=episode)


def write_maps(
    root: Path, tokens: np.ndarray, codes: int, alive: bool, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Grad-CAM and change maps. Returns the (step, code) with a map: all of the even codes, if `alive`."""
    pairs = [(step, int(code)) for step in range(len(tokens)) for code in np.unique(tokens[step])]
    masks = np.stack([tokens[step] == code for step, code in pairs])
    owner = np.array([code for _, code in pairs], np.int32)
    lit = (owner % 2 == 0) & alive
    maps = (masks * lit[:, None, None] * rng.uniform(0.5, 1, masks.shape)).astype(np.float32)
    highest = maps.max(axis=(1, 2))
    owners = {
        "map_code": owner,
        "map_positions": masks,
        "occurrence_step": np.array([step for step, _ in pairs], np.int32),
        "occurrence_map": np.arange(len(pairs), dtype=np.int32),
    }
    attrs = {"codebook_size": codes, "steps": len(tokens)}
    lowest = np.where(lit, 0, -1).astype(np.float32)
    with writing(root / "heatmaps.zarr", HEATMAPS, attrs) as store:
        store.append(heatmap=maps, map_raw_max=highest, map_raw_min=lowest, **owners)
    levels = LEVELS * maps / np.where(highest > 0, highest, 1)[:, None, None]
    with writing(root / "changes.zarr", CHANGES, attrs) as store:
        store.append(heatmap=levels.round().astype(np.uint8), map_raw_max=highest, **owners)
    return [pair for pair, shown in zip(pairs, lit, strict=True) if shown]


def write_crops(
    root: Path, lit: list[tuple[int, int]], tokens: np.ndarray, cell: int, rng: np.random.Generator
) -> None:
    """One crop a lit pair, of the code's first cell, and a random one; embeddings gather around codes."""
    own = [(step, code, *np.argwhere(tokens[step] == code)[0]) for step, code in lit]
    random = [(step, code, *rng.integers(0, 4, 2)) for step, code, _, _ in own]
    rows = np.array(own + random, np.int32).reshape(-1, 4)
    box = np.concatenate([rows[:, 2:] * cell, rows[:, 2:] * cell + cell], axis=1).astype(np.int16)
    is_random = np.arange(len(rows)) >= len(own)
    with writing(root / "crops.zarr", CROPS, {}) as store:
        store.append(
            region_map=np.arange(len(own), dtype=np.int32),
            region_box=box[: len(own)],
            crop_step=rows[:, 0],
            crop_code=rows[:, 1],
            crop_box=box,
            crop_random=is_random,
            crop_match=np.tile(np.arange(len(own), dtype=np.int32), 2),
        )
    centres = rng.normal(size=(int(rows[:, 1].max(initial=0)) + 1, 32))
    features = (
        np.where(is_random[:, None], 0, centres[rows[:, 1]]) + 0.8 * rng.normal(size=(len(rows), 32)) + 1
    )
    with writing(root / "embeddings.zarr", EMBEDDINGS, {"weights": "random", "size": 64}) as store:
        store.append(
            embedding=features.astype(np.float16), crop_embedding=np.arange(len(rows), dtype=np.int32)
        )


def write_embedder(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    grades = {"play": {"accuracy": 0.987, "world_in_the_dark": None}, "staged": {"accuracy": 0.954}}
    (folder / "evaluation.json").write_text(json.dumps(grades))


def write_agent(folder: Path, resolution: int, trained: bool) -> None:
    levels = (resolution // 4).bit_length()  # each but the first halves the frame: 4 x 4 tokens are left
    tokenizer = TokenizerConfig(VectorQuantizerConfig("vq", 8, 4, 0), 4, 4, (1,) * levels, 1, ())
    world_model = WorldModelConfig(max_blocks=2, num_layers=1, num_heads=1, embed_dim=4, dropout=0.0)
    folder.mkdir(exist_ok=True)
    Agent(AgentConfig((resolution, resolution), 2, tokenizer, world_model, ActorCriticConfig(4))).save(folder)
    # One curve without a value; without training one epoch, and an actor-critic that never began.
    (folder / "curves").mkdir(exist_ok=True)
    epochs = range(1, 30 if trained else 2)
    for component, losses in SERIES.items():
        rows = [
            {
                "epoch": epoch,
                "step": 200 * epoch,
                **dict.fromkeys(losses, np.nan if "return" in losses else 5 / epoch),
            }
            for epoch in epochs
            if trained or component != "actor_critic"
        ]
        pd.DataFrame(rows).to_csv(folder / "curves" / f"{component}.csv", index=False)


def write_tables(
    folder: Path,
    tokens: np.ndarray,
    episode: np.ndarray,
    codes: int,
    lit: list[tuple[int, int]],
    lacking: Lacking,
    rng: np.random.Generator,
) -> None:
    """The tables of metrics, baselines, compare and sensitivity, with the columns that the report reads."""
    table = make_codes(tokens, episode, codes, lit, not lacking.regions, rng)
    tables = {"codes": table}
    tested = bool(table["confirmed"].notna().any())
    episodes = int(episode.max()) + 1

    living = sorted({code for _, code in lit})
    steps = {code: {step for step, other in lit if other == code} for code in living}
    pairs = [
        (a, b, len(steps[a] & steps[b])) for a in living for b in living if a < b and steps[a] & steps[b]
    ]
    pairs.sort(key=lambda pair: (-pair[2], pair))
    frame = pd.DataFrame(pairs, columns=["code_a", "code_b", "count"])
    tables["pairs"] = meetings(frame, len(tokens), episodes, rng).assign(expected=frame["count"] * 0.8)
    tables["pairs"]["meaningful"] &= tested
    sets = [
        (" ".join(map(str, items)), len(set.intersection(*(steps[code] for code in items))))
        for items in (living[:3], living[1:5])
        if len(items) > 2
    ]
    frame = pd.DataFrame([row for row in sets if row[1]], columns=["codes", "count"])
    tables["sets"] = meetings(frame, len(tokens), episodes, rng).assign(meaningful=False)

    uses = table["uses"]
    shares = {
        code: rng.dirichlet([4 if i == code % len(LABELS) else 0.5 for i in range(len(LABELS))])
        for code in living
    }
    rows = [
        (code, label, int(uses[code] * s) + 1, s)
        for code in living
        for label, s in zip(LABELS, shares[code], strict=True)
    ]
    tables["labels"] = pd.DataFrame(rows, columns=["code", "label", "count", "share"])
    tables["power"] = make_power()
    tables["baselines"] = make_baselines(tested)
    tables["embedders"] = make_embedders(tested)
    tables["sensitivity"] = make_sensitivity(bool(lit))
    tables["attributions"] = make_attributions(bool(lit))
    for name, rows_of in tables.items():
        rows_of[: 0 if name in lacking.rows else None].to_csv(folder / f"{name}.csv", index=False)
    metrics = make_metrics(codes, bool(lit), tested, table, episodes, tables["pairs"])
    headline = {"codebook": {"size": metrics["codebook"].pop("size")}}
    (folder / "metrics.json").write_text(json.dumps(headline))
    (folder / "details.json").write_text(json.dumps(metrics))
    (folder / "evaluation.json").write_text(json.dumps(make_evaluation(trained=not lacking.maps)))


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
    table["beats_random"] = table["random_difference"] > 0.05
    table["label"] = [LABELS[code // 2 % len(LABELS)] if shown[code] else None for code in range(codes)]
    table["label_share"] = np.where(shown, rng.uniform(0.3, 1, codes), np.nan)
    table["label_lift"] = np.where(shown, rng.uniform(0.5, 4, codes), np.nan)
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
    }  # fmt: skip


def sources(root: Path) -> dict[str, Path]:
    stores = {
        name: root / f"{name}.zarr" for name in ("rollouts", "heatmaps", "changes", "crops", "embeddings")
    }
    return {"agent": root / "agent", "embedder": root / "embedder", **stores}
