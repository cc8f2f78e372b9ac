"""One heatmap for each distinct decoder input, and whose it is (docs/protocol.md, steps 1 to 3)."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from irislib.artifacts import Store, open_store, writing
from irislib.device import pick_device
from irislib.errors import IrislibError
from irislib.interpret.attribution.attributions import LAYERED, Method, draw_background, explain
from irislib.interpret.attribution.gradcam import Score, check_layer, mask_codes, score_images
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
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.tokenizers.protocol import CODE_INPUT, FrameTokenizer
from irislib.workdir import work_in

SHARD = 512  # maps


@dataclass(frozen=True)
class GradcamConfig:
    """The `gradcam` section.

    Attributes:
        method: how a map is computed; see `attributions.explain`.
        score: the number whose change is explained; see `gradcam.score_images`.
        layer: where gradients are taken; see `gradcam.decode_keeping`. Only `gradcam` and `hirescam` can use
            another one than `code_input`.
        samples: points on the path of `integrated_gradients` (from blank to the code; up to 16 times as many
            where a map's sum misses the score's difference by more than 1%) and of `gradient_shap` (from
            other observations to the code).
        batch_size: masked grids decoded at once; results depend on it by rounding alone.
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

    The decoded image of a masked code depends on nothing but the code and its positions (if the tokenizer is
    `local`). Where the score depends on that image alone, occurrences that agree in code and positions share
    one map; maps are then ordered by code, then positions. Otherwise (`neg_error` also sees the frame) each
    occurrence has its own map, in the order of steps, then codes.

    Args:
        config: the `gradcam` section.
        seed: the pipeline's.
        agent: folder of the agent, whose tokenizer it is unless the rollouts name another one.
        rollouts: store of recorded play.
        work: where finished shards of maps wait for the rest.
        out: the store (`HEATMAPS`).

    Raises:
        ParamError: the layer is not on the decoding path.
        ArtifactError: the tokenizer or the rollouts are missing or damaged, or do not belong together.
        IrislibError: a map is not finite, a worker died, or another process makes this very store.
    """
    store = open_store(rollouts, ROLLOUTS)
    tokenizer = load_recorded_tokenizer(store, agent)
    check_layer(tokenizer, config.layer)
    codes, alone = len(tokenizer.codebook), _each_alone(config, tokenizer)
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
        total = len(census) if alone else len(census.distinct.code)
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
            for block, occurrence_map in _assign(alone, store, codes, census):
                writer.append(occurrence_step=block.step, occurrence_map=occurrence_map)


def _sees_frame(config: GradcamConfig) -> bool:
    return config.score == "neg_error"


def _each_alone(config: GradcamConfig, tokenizer: FrameTokenizer) -> bool:
    """Whether each occurrence has a map of its own."""
    return _sees_frame(config) or not tokenizer.local


def _assign(
    alone: bool, rollouts: Store, codes: int, census: Census
) -> Iterator[tuple[Occurrences, np.ndarray]]:
    """All occurrences in blocks, and the map of each, int32 [n]."""
    keys, seen = census.distinct.keys(), 0
    for block in read_blocks(rollouts, codes):
        each = np.arange(seen, seen + len(block.step))
        seen += len(block.step)
        found = each if alone else np.searchsorted(keys, block.keys())
        yield block, found.astype(np.int32)


def _mapper(config: GradcamConfig, seed: int, agent: Path, rollouts: Path, census: Census) -> Compute:
    store = open_store(rollouts, ROLLOUTS)
    tokenizer = load_recorded_tokenizer(store, agent)
    background = draw_background(store, tokenizer, config.samples, seed)

    def compute(shard: range) -> dict[str, np.ndarray]:
        if _each_alone(config, tokenizer):
            explained = read_occurrences(store, census, shard)
        else:
            explained = census.distinct.take(slice(shard.start, shard.stop))
        starts = range(0, len(shard), config.batch_size)
        batches = [explained.take(slice(start, start + config.batch_size)) for start in starts]
        raw = np.concatenate([_compute_batch(config, tokenizer, store, b, background) for b in batches])
        _require_finite(raw, explained, config)
        return {
            "heatmap": np.maximum(raw, 0),
            "map_raw_max": raw.max((1, 2)),
            "map_raw_min": raw.min((1, 2)),
            "map_code": explained.code,
            "map_positions": explained.positions(),
        }

    return compute


def _require_finite(raw: np.ndarray, explained: Occurrences, config: GradcamConfig) -> None:
    """Raises IrislibError where a map, of maps [N,h',w'], holds a value that is not finite."""
    bad = np.flatnonzero(~np.isfinite(raw).all(axis=(1, 2)))
    if len(bad):
        raise IrislibError(
            f"gradcam: the map of code {explained.code[bad[0]]} in observation {explained.step[bad[0]]} is "
            f"not finite ({config.method} of {config.score}); use a tokenizer that decodes to finite values"
        )


def _compute_batch(
    config: GradcamConfig,
    tokenizer: FrameTokenizer,
    store: Store,
    explained: Occurrences,
    background: Tensor,
) -> np.ndarray:
    """Maps of a few occurrences before the ReLU, float32 [N,h',w']."""
    device = tokenizer.codebook.device
    code = torch.from_numpy(explained.code.astype(np.int64)).to(device)
    positions = torch.from_numpy(explained.positions()).to(device)
    frames = None
    if _sees_frame(config):
        step = explained.step
        nearby = store.read("obs", slice(int(step[0]), int(step[-1]) + 1))
        frames = torch.from_numpy(nearby[step - step[0]]).to(device)
    raw = explain(
        config.method,
        tokenizer,
        mask_codes(tokenizer, code, positions),
        positions,
        lambda images: score_images(config.score, images, frames),
        config.layer,
        background,
    )
    return raw.float().cpu().numpy()
