"""Small made-up inputs of the report."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from madeup_study import WORLD_ARMS, write_results
from madeup_tables import (
    LABELS,
    make_agent_curves,
    make_agents,
    make_attributions,
    make_baselines,
    make_codes,
    make_embedders,
    make_evaluation,
    make_metrics,
    make_power,
    make_sensitivity,
    meetings,
)
from recordings import describe, record_play

from irislib.agent import Agent
from irislib.agent.config import ActorCriticConfig, AgentConfig, WorldModelConfig
from irislib.artifacts import writing
from irislib.report.tables import LABEL_COLUMNS
from irislib.stores.changes import CHANGES, LEVELS
from irislib.stores.crops import CROPS
from irislib.stores.embeddings import EMBEDDINGS
from irislib.stores.heatmaps import HEATMAPS
from irislib.study.table import tabulate, tabulate_worlds
from irislib.tokenizers.config import IrisConfig, VectorQuantizerConfig
from irislib.worlds.crafter.game import ACHIEVEMENT_NAMES

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
    write_agent(root / "agent", frames.shape[1], trained=not lacking.maps, codes=codes)
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
    # Four cells of the world above two of the display; nothing is at the right.
    side = frames.shape[1] // 4
    cells = [(side * y, side * x, side * y + side, side * x + side) for y in range(3) for x in range(2)]
    boxes = {"world_boxes": np.array(cells[:4], np.int16), "display_boxes": np.array(cells[4:], np.int16)}
    description = describe(goals=ACHIEVEMENT_NAMES, **boxes)
    rng = np.random.default_rng(len(frames))
    truth = {"label": rng.integers(0, 3, (len(frames), 4), np.uint8), "hidden": rng.random(len(frames)) < 0.1}
    record_play(path, frames, tokens, codes, path.with_name("agent"), description, episode=episode, **truth)


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
            crop_kind=is_random.astype(np.uint8),
            crop_match=np.tile(np.arange(len(own), dtype=np.int32), 2),
        )
    centres = rng.normal(size=(int(rows[:, 1].max(initial=0)) + 1, 32))
    features = (
        np.where(is_random[:, None], 0, centres[rows[:, 1]]) + 0.8 * rng.normal(size=(len(rows), 32)) + 1
    )
    with writing(root / "embeddings.zarr", EMBEDDINGS, {"weights": "random", "size": 64}) as store:
        whole = np.rint(15 * features).astype(np.int8)
        store.append(embedding=whole, crop_embedding=np.arange(len(rows), dtype=np.int32))


def write_embedder(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    grades = {"play": {"accuracy": 0.987, "world_in_the_dark": None}, "staged": {"accuracy": 0.954}}
    (folder / "evaluation.json").write_text(json.dumps(grades))


def write_agent(folder: Path, resolution: int, trained: bool, codes: int = 8) -> None:
    levels = (resolution // 4).bit_length()  # each but the first halves the frame: 4 x 4 tokens are left
    tokenizer = IrisConfig(VectorQuantizerConfig("vq", codes, 4, 0), 4, 4, (1,) * levels, 1, ())
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
        (code, label, int(uses[code] * s) + 1, s, s * 0.9, s * 0.8, table["confirmed"][code], 0.1)
        for code in living
        for label, s in zip(LABELS, shares[code], strict=True)
    ]
    tables["labels"] = pd.DataFrame(rows, columns=LABEL_COLUMNS)
    tables["power"] = make_power()
    tables["baselines"] = make_baselines(tested)
    tables["embedders"] = make_embedders(tested)
    tables["sensitivity"] = make_sensitivity(bool(lit))
    tables["attributions"] = make_attributions(bool(lit))
    tables["study"] = tabulate(write_results(folder / "results"), "made-up")
    for world in ("boxing", "pong"):
        write_results(folder / "worlds" / world, WORLD_ARMS)
    tables["worlds"] = tabulate_worlds(folder / "worlds")
    tables["agents"], tables["agent_curves"] = make_agents(), make_agent_curves()
    for name, rows_of in tables.items():
        rows_of[: 0 if name in lacking.rows else None].to_csv(folder / f"{name}.csv", index=False)
    metrics = make_metrics(codes, bool(lit), tested, table, episodes, tables["pairs"])
    headline = {"codebook": {"size": metrics["codebook"].pop("size")}}
    (folder / "metrics.json").write_text(json.dumps(headline))
    (folder / "details.json").write_text(json.dumps(metrics))
    (folder / "evaluation.json").write_text(json.dumps(make_evaluation(trained=not lacking.maps)))


def sources(root: Path) -> dict[str, Any]:
    stores = {
        name: root / f"{name}.zarr" for name in ("rollouts", "heatmaps", "changes", "crops", "embeddings")
    }
    return {"agent": root / "agent", "embedder": root / "embedder", **stores}
