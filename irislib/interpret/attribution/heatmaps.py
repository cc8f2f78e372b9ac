"""Every distinct heatmap once, and which (observation, code) pair has which (protocol steps 1 to 3)."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from irislib.agent import load_agent
from irislib.artifacts import Store, open_store, writing
from irislib.device import pick_device
from irislib.interpret.attribution.attributions import LAYERED, Method, draw_background, explain
from irislib.interpret.attribution.gradcam import CODE_INPUT, Score, check_layer, mask_codes, score_images
from irislib.interpret.attribution.occurrences import (
    Census,
    Occurrences,
    read_blocks,
    read_occurrences,
    take_census,
)
from irislib.params import STRICT, require
from irislib.runtime import workers
from irislib.shards import Compute, Shards, compute_shards
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS, check_agent
from irislib.tokenizers.iris import Tokenizer
from irislib.workdir import work_in

SHARD = 512  # maps


@dataclass(frozen=True)
class GradcamConfig:
    """The `gradcam` section.

    Attributes:
        method: how a map is made; see `attributions.explain`.
        score: what is explained; see `gradcam.score_images`.
        layer: where gradients are taken; see `gradcam.decode_keeping`. Only `gradcam` and `hirescam` have
            one other than `code_input`.
        samples: points on the way from nothing, or from other observations, to the code, for
            `integrated_gradients` and `gradient_shap`.
        batch_size: masked grids decoded at once; results may depend on it by rounding alone.
    """

    __pydantic_config__ = STRICT
    method: Method
    score: Score
    layer: str
    samples: Annotated[int, Ge(1)]
    batch_size: Annotated[int, Ge(1)]

    def __post_init__(self) -> None:
        require(
            self.layer == CODE_INPUT or self.method in LAYERED,
            "layer",
            f"{self.method} is defined at the input alone; use {CODE_INPUT}",
        )


def compute_heatmaps(
    config: GradcamConfig, seed: int, agent: Path, rollouts: Path, work: Path, out: Path
) -> None:
    """Writes heatmaps.zarr for the tokens of recorded play.

    Where the score depends on the decoded image alone, so does the map, and the image on nothing but the
    code and its positions: pairs that agree in both share one map. Maps are ordered by code, then
    positions; those of `neg_error`, one a pair, by step, then code.

    Args:
        config: the `gradcam` section.
        seed: the pipeline's.
        agent: folder of the agent that was recorded.
        rollouts: store of recorded play.
        work: where finished shards of maps wait for the rest.
        out: the store (`HEATMAPS`).

    Raises:
        ParamError: the layer is not on the decoding path.
        ArtifactError: the agent or the rollouts are missing or damaged, or the rollouts are another agent's.
        IrislibError: a worker died, or another process makes this very store.
    """
    store = open_store(rollouts, ROLLOUTS)
    tokenizer = load_agent(agent).tokenizer
    check_agent(store, agent)
    codes, width = tokenizer.codebook.shape
    check_layer(
        tokenizer, config.layer, tokenizer.codebook.new_zeros(1, width, *store.array("token").shape[1:])
    )
    census = take_census(store, codes)
    attrs = {
        "codebook_size": codes,
        "steps": len(store),
        "method": config.method,
        "score": config.score,
        "layer": config.layer,
        "frame_size": list(store.array("obs").shape[1:3]),
    }
    # On a GPU one process: several would each hold a copy of its runtime, and wait for each other.
    processes = 1 if pick_device().type == "cuda" else workers()
    with work_in(work, "gradcam", asdict(config), seed, agent, rollouts) as folder:
        total = len(census) if _sees_frame(config) else len(census.distinct.code)
        shards = Shards("map", total, SHARD, folder)
        compute_shards(
            shards,
            shards.unfinished(),
            processes,
            f"maps by {config.method}",
            _mapper,
            *(config, seed, agent, rollouts, census),
        )
        with writing(out, HEATMAPS, attrs) as writer:
            for arrays in shards.results():
                writer.append(**arrays)
            for pairs, occurrence_map in _assign(config, store, codes, census):
                writer.append(occurrence_step=pairs.step, occurrence_map=occurrence_map)


def _sees_frame(config: GradcamConfig) -> bool:
    return config.score == "neg_error"


def _assign(
    config: GradcamConfig, rollouts: Store, codes: int, census: Census
) -> Iterator[tuple[Occurrences, np.ndarray]]:
    """All pairs in blocks, and the map of each, int32 [n]."""
    keys, seen = census.distinct.keys(), 0
    for pairs in read_blocks(rollouts, codes):
        each = np.arange(seen, seen + len(pairs.step))
        seen += len(pairs.step)
        found = each if _sees_frame(config) else np.searchsorted(keys, pairs.keys())
        yield pairs, found.astype(np.int32)


def _mapper(config: GradcamConfig, seed: int, agent: Path, rollouts: Path, census: Census) -> Compute:
    store = open_store(rollouts, ROLLOUTS)
    tokenizer = load_agent(agent).tokenizer.requires_grad_(False)
    background = draw_background(store, tokenizer, config.samples, seed)

    def compute(shard: range) -> dict[str, np.ndarray]:
        if _sees_frame(config):
            pairs = read_occurrences(store, census, shard)
        else:
            pairs = census.distinct.take(slice(shard.start, shard.stop))
        batches = range(0, len(shard), config.batch_size)
        batch = [pairs.take(slice(start, start + config.batch_size)) for start in batches]
        raw = np.concatenate([_compute_batch(config, tokenizer, store, b, background) for b in batch])
        return {
            "heatmap": np.maximum(raw, 0),
            "map_raw_max": raw.max((1, 2)),
            "map_raw_min": raw.min((1, 2)),
            "map_code": pairs.code,
            "map_positions": pairs.positions(),
        }

    return compute


def _compute_batch(
    config: GradcamConfig, tokenizer: Tokenizer, store: Store, pairs: Occurrences, background: Tensor
) -> np.ndarray:
    """Maps of a few pairs before the ReLU, float32 [N,h',w']."""
    codebook = tokenizer.codebook
    code, positions = (
        torch.from_numpy(a).to(codebook.device) for a in (pairs.code.astype(np.int64), pairs.positions())
    )
    frames = None
    if _sees_frame(config):
        step = pairs.step
        nearby = store.read("obs", slice(int(step[0]), int(step[-1]) + 1))
        frames = torch.from_numpy(nearby[step - step[0]]).to(codebook.device)
    raw = explain(
        config.method,
        tokenizer,
        mask_codes(codebook, code, positions),
        positions,
        lambda images: score_images(config.score, images, frames),
        config.layer,
        background,
    )
    return raw.float().cpu().numpy()
