"""The `gradcam` stage: one heatmap for each distinct decoder input (docs/protocol.md, steps 1 to 3)."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge

from irislib.artifacts import Store
from irislib.interpret.attribution.attributions import LAYERED, Method, draw_background, explain
from irislib.interpret.attribution.distinct_maps import Explain, MapStage, on_device, write_maps
from irislib.interpret.attribution.gradcam import ImageScore, Score, check_layer, mask_codes
from irislib.interpret.attribution.occurrences import Occurrences
from irislib.params import STRICT, require
from irislib.shards import Arrays
from irislib.stores.heatmaps import HEATMAPS
from irislib.tokenizers.context import AnyTokenizer, InPlay
from irislib.tokenizers.protocol import CODE_INPUT


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
    """Writes heatmaps.zarr for the tokens of recorded play; see `distinct_maps.write_maps`.

    Each occurrence has its own map where the score sees the frame (`neg_error`).

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
    write_maps(GradcamStage(config, seed), agent, rollouts, work, out)


@dataclass(frozen=True)
class GradcamStage(MapStage):
    """Maps by the method of the `gradcam` section.

    Attributes:
        config: the `gradcam` section.
        seed: the pipeline's, for the background of `gradient_shap`.
    """

    name = "gradcam"
    schema = HEATMAPS
    config: GradcamConfig
    seed: int

    @property
    def how(self) -> str:
        return f"{self.config.method} of {self.config.score}"

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    @property
    def inputs(self) -> list[Any]:
        return [asdict(self.config), self.seed]

    def sees_frame(self) -> bool:
        return self.config.score == "neg_error"

    def attributes(self) -> dict[str, Any]:
        return {name: getattr(self.config, name) for name in ("method", "score", "layer")}

    def check(self, tokenizer: AnyTokenizer) -> None:
        check_layer(tokenizer, self.config.layer)

    def prepare(self, play: Store, in_play: InPlay) -> Explain:
        config = self.config
        background = draw_background(play, in_play.tokenizer, config.samples, self.seed)

        def maps(explained: Occurrences) -> np.ndarray:
            tokenizer = in_play.at(explained.step)
            code, positions = on_device(tokenizer, explained)
            frames = None
            if self.sees_frame():
                step = explained.step
                nearby = play.read("obs", slice(int(step[0]), int(step[-1]) + 1))
                frames = torch.from_numpy(nearby[step - step[0]]).to(code.device)
            raw = explain(
                config.method,
                tokenizer,
                mask_codes(tokenizer, code, positions),
                positions,
                ImageScore(config.score, frames),
                config.layer,
                background,
            )
            return raw.float().cpu().numpy()

        return maps

    def pack(self, maps: np.ndarray) -> Arrays:
        """The maps after the ReLU, and the extremes of each before it."""
        return {
            "heatmap": np.maximum(maps, 0),
            "map_raw_max": maps.max((1, 2)),
            "map_raw_min": maps.min((1, 2)),
        }
