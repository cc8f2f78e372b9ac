"""Small stores for the tests of the stages that read them."""

from pathlib import Path
from typing import Any

import numpy as np

from irislib.artifacts import Store, open_store, writing
from irislib.stores.crops import CROPS
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS, agent_digest
from irislib.tokenizers.load import load_tokenizer, tokenizer_digest


def record_play(
    path: Path, obs: np.ndarray, tokens: np.ndarray, codes: int, agent: Path | None = None
) -> Store:
    """Rollouts with these frames u8 [T,H,W,3] and tokens [T,h,w], by this agent or none; the rest is zero."""
    rows = {
        name: np.zeros((len(obs),) + (2,) * (len(spec.dims) - 1), spec.dtype)
        for name, spec in ROLLOUTS.arrays.items()
    }
    rows |= {"obs": obs, "token": tokens.astype(np.int16)}
    attrs: dict[str, Any] = {"codebook_size": codes, "agent": agent_digest(agent) if agent else ""}
    if agent:
        attrs["tokenizer"] = {"source": None, "digest": tokenizer_digest(load_tokenizer(agent))}
    with writing(path, ROLLOUTS, attrs) as writer:
        writer.append(**rows)
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
