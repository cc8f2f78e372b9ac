"""Every distinct heatmap once, and which (observation, code) pair has which (protocol steps 1 to 3)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from irislib.agent import load_agent
from irislib.agent.tokenizer import Tokenizer
from irislib.artifacts import Store, open_store, writing
from irislib.interpret.attributions import LAYERED, Method, draw_background, explain
from irislib.interpret.gradcam import CODE_INPUT, Score, check_layer, mask_codes, score_images
from irislib.interpret.pairs import Pairs, read_pairs
from irislib.params import STRICT, require
from irislib.runtime import progress
from irislib.stores.heatmaps import HEATMAPS
from irislib.stores.rollouts import ROLLOUTS, check_agent


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


def compute_heatmaps(config: GradcamConfig, seed: int, agent: Path, rollouts: Path, out: Path) -> None:
    """Writes heatmaps.zarr for the tokens of recorded play.

    Where the score depends on the decoded image alone, so does the map, and the image on nothing but the
    code and its positions: pairs that agree in both share one map. Maps are ordered by code, then
    positions; those of `neg_error`, one a pair, by step, then code.

    Raises:
        ParamError: the layer is not on the decoding path.
        ArtifactError: the agent or the rollouts are missing or damaged, or the rollouts are another agent's.
    """
    store = open_store(rollouts, ROLLOUTS)
    tokenizer = load_agent(agent).tokenizer.requires_grad_(False)
    check_agent(store, agent)
    grid = store.array("token").shape[1:]
    check_layer(tokenizer, config.layer, tokenizer.codebook.new_zeros(1, tokenizer.codebook.shape[1], *grid))

    pairs = read_pairs(store, len(tokenizer.codebook))
    background = draw_background(store, tokenizer, config.samples, seed)
    if config.score == "neg_error":
        representative, pair_map = np.arange(len(pairs.step)), np.arange(len(pairs.step), dtype=np.int32)
    else:
        representative, pair_map = pairs.group()

    attrs = {
        "codebook_size": len(tokenizer.codebook),
        "steps": len(store),
        "method": config.method,
        "score": config.score,
        "layer": config.layer,
        "frame_size": list(store.array("obs").shape[1:3]),
    }
    with writing(out, HEATMAPS, attrs) as writer:
        writer.append(pair_step=pairs.step, pair_map=pair_map)
        with progress(desc=f"maps by {config.method}", total=len(representative), unit="map") as bar:
            for start in range(0, len(representative), config.batch_size):
                rows = representative[start : start + config.batch_size]
                raw = _compute_batch(config, tokenizer, store, pairs, rows, background)
                writer.append(
                    map=np.maximum(raw, 0),
                    map_raw_max=raw.max((1, 2)),
                    map_raw_min=raw.min((1, 2)),
                    map_code=pairs.code[rows],
                    map_positions=pairs.positions(rows),
                )
                bar.update(len(rows))


def _compute_batch(
    config: GradcamConfig,
    tokenizer: Tokenizer,
    store: Store,
    pairs: Pairs,
    rows: np.ndarray,
    background: Tensor,
) -> np.ndarray:
    """Maps before the ReLU of the pairs in `rows`, float32 [N,h',w']."""
    codebook = tokenizer.codebook
    code, positions = (
        torch.from_numpy(a).to(codebook.device)
        for a in (pairs.code[rows].astype(np.int64), pairs.positions(rows))
    )
    frames = None
    if config.score == "neg_error":
        step = pairs.step[rows]
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
