"""Small stores for the tests of the stages that read them."""

from pathlib import Path
from typing import Any

import numpy as np

from irislib.artifacts import Store, open_store, writing
from irislib.stores.crops import CROPS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.load import load_tokenizer, tokenizer_digest
from irislib.worlds.world import WorldDescription


def recorded_tokenizer(agent: Path | None) -> dict[str, str | None]:
    """The `tokenizer` attribute of play that was encoded by an agent's own tokenizer, or by nobody's."""
    return {"source": None, "digest": tokenizer_digest(load_tokenizer(agent)) if agent else ""}


def describe(**changes: Any) -> WorldDescription:
    """A world of four cells of 16 x 16 pixels above a display with two quantities."""
    cells = [(y, x, y + 16, x + 16) for y in (0, 16) for x in (0, 16)]
    values: dict[str, Any] = {
        "labels": ("water", "grass", "stone"),
        "world_boxes": np.array(cells, np.int16),
        "display_boxes": np.array([(32, 0, 48, 16), (32, 16, 48, 32)], np.int16),
        "hidden_label": "asleep",
        "quantities": ("health", "wood"),
        "quantity_box": np.array([0, 1], np.int16),
        "quantity_limit": 9,
        "goals": ("eat", "wake"),
        "actions": ("wait", "go"),
    }
    return WorldDescription(**values | changes)


def record_play(
    path: Path,
    obs: np.ndarray,
    tokens: np.ndarray,
    codes: int,
    agent: Path | None = None,
    description: WorldDescription | None = None,
    **rows: np.ndarray,
) -> Store:
    """Rollouts with these frames u8 [T,H,W,3] and tokens [T,h,w], encoded by this agent's tokenizer or none.

    Args:
        description: of the world; by default `describe()`.
        rows: other arrays of the store; zero where left out, but by day.
    """
    description = description or describe()
    widths = {
        "label": len(description.world_boxes),
        "quantity": len(description.quantities),
        "goal": len(description.goals),
    }
    zeros = {
        name: np.zeros((len(obs), *([widths[name]] if name in widths else [])), spec.dtype)
        for name, spec in ROLLOUTS.arrays.items()
        if name not in ("obs", "token")
    }
    attrs = {
        "world": "crafter",
        "player": "agent",
        "tokenizer": recorded_tokenizer(agent),
        "episodes": int(rows["episode"].max()) + 1 if "episode" in rows else 1,
        "codebook_size": codes,
        **description.to_attributes(),
    }
    with writing(path, ROLLOUTS, attrs) as writer:
        day = np.ones(len(obs), np.float32)
        writer.append(**zeros | {"obs": obs, "token": tokens.astype(np.int16), "daylight": day} | rows)
    return open_store(path, ROLLOUTS)


def record_maps(path: Path, maps: np.ndarray, map_code: np.ndarray, pairs: np.ndarray, play: Store) -> Store:
    """Heatmaps u8 or float [U,h,w] of codes [U], used by pairs (step, map) [P,2]."""
    frame = play.array("obs").shape[1:3]
    attrs = {"codebook_size": play.attrs["codebook_size"], "steps": len(play), "frame_size": list(frame)}
    with writing(path, HEATMAPS, attrs) as writer:
        writer.append(
            heatmap=maps.astype(np.float32),
            map_raw_max=maps.max((1, 2)).astype(np.float32),
            map_raw_min=maps.min((1, 2)).astype(np.float32),
            map_code=map_code.astype(np.int32),
            map_positions=np.zeros((len(maps), 4, 4), bool),
            occurrence_step=pairs[:, 0].astype(np.int32),
            occurrence_map=pairs[:, 1].astype(np.int32),
        )
    return open_store(path, HEATMAPS)


def record_crops(path: Path, step: np.ndarray, box: np.ndarray, frame: tuple[int, int]) -> Store:
    """Crops of these boxes [N,4] in frames [N], all of code 0."""
    n = len(step)
    with writing(path, CROPS, {"frame_size": list(frame)}) as writer:
        writer.append(
            region_map=np.zeros(0, np.int32),
            region_box=np.zeros((0, 4), np.int16),
            crop_step=step.astype(np.int32),
            crop_code=np.zeros(n, np.int32),
            crop_box=box.astype(np.int16).reshape(n, 4),
            crop_random=np.zeros(n, bool),
            crop_match=np.arange(n, dtype=np.int32),
        )
    return open_store(path, CROPS)
