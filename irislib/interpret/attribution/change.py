"""The `change` stage: which pixels change when a code is put into a blank grid (docs/protocol.md, step 3).

This is occlusion (Zeiler and Fergus 2013, arXiv 1311.2901) the other way round, and it is read off the
decoded image itself: there is no score, no gradient and no ReLU.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn import functional as F

from irislib.artifacts import Store
from irislib.interpret.attribution.distinct_maps import Explain, MapStage, on_device, write_maps
from irislib.interpret.attribution.gradcam import mask_codes
from irislib.interpret.attribution.occurrences import Occurrences
from irislib.params import STRICT
from irislib.shards import Arrays
from irislib.stores.changes import CHANGES, LEVELS
from irislib.tokenizers.context import AnyTokenizer, InPlay

BLOCK = 4  # pixels, the side of the squares over which changes are averaged
ROUNDING = 1e-5  # a smaller change, of values from -1 to 1, is the arithmetic's and none of the code's


@dataclass(frozen=True)
class ChangeConfig:
    """The `change` section.

    Attributes:
        batch_size: masked grids decoded at once; results depend on it by rounding alone.
    """

    __pydantic_config__ = STRICT
    batch_size: Annotated[int, Ge(1)]


def compute_changes(config: ChangeConfig, agent: Path, rollouts: Path, work: Path, out: Path) -> None:
    """Writes changes.zarr for the tokens of recorded play; see `distinct_maps.write_maps`.

    Args:
        config: the `change` section.
        agent: folder of the agent, whose tokenizer it is unless the rollouts name another one.
        rollouts: store of recorded play.
        work: where finished shards of maps wait for the rest.
        out: the store (`CHANGES`).

    Raises:
        ArtifactError: the tokenizer or the rollouts are missing or damaged, or do not belong together.
        IrislibError: a map is not finite, a worker died, or another process makes this very store.
    """
    write_maps(ChangeStage(config), agent, rollouts, work, out)


def changed_pixels(
    image: Float[Tensor, "n 3 y x"], before: Float[Tensor, "m 3 y x"]
) -> Float[Tensor, "n y x"]:
    """How much each pixel of decoded images changes, float [N,H,W]: absolute change, mean over the channels.

    Args:
        image: decoded with the code, float [N,3,H,W] in [-1,1].
        before: decoded without it, float [N,3,H,W], or [1,3,H,W] for all of them.
    """
    change = (image - before).abs().mean(1)
    return torch.where(change < ROUNDING, 0, change)


@torch.no_grad()
def put_in(in_play: InPlay, explained: Occurrences) -> Float32[np.ndarray, "n h w"]:
    """How much the decoded frame changes when each code is put into a blank grid, in blocks.

    Args:
        in_play: the tokenizer, in evaluation mode.
        explained: the codes and their positions.
    """
    tokenizer = in_play.at(explained.step)
    image = tokenizer.decode(mask_codes(tokenizer, *on_device(tokenizer, explained)))
    nothing = in_play.decode_blank(tokenizer, len(image))
    return average_blocks(changed_pixels(image, nothing)).float().cpu().numpy()


def average_blocks(change: Float[Tensor, "n y x"]) -> Float[Tensor, "n h w"]:
    """Means over squares of `BLOCK` pixels, float [N,h,w]: a quarter of the frame's sides, rounded up.

    Where a side is no multiple of `BLOCK`, neighbouring squares overlap.
    """
    height, width = (-(-side // BLOCK) for side in change.shape[1:])
    return F.adaptive_avg_pool2d(change[:, None], (height, width))[:, 0]


def quantise(maps: Float[np.ndarray, "n h w"]) -> tuple[np.ndarray, Float32[np.ndarray, " n"]]:
    """Maps in whole parts of their own maximum, as the store keeps them.

    Thresholds and shares are relative to a map's own maximum or sum, so they can be taken of these numbers.

    Args:
        maps: not negative.

    Returns:
        u8 [N,h,w] from 0 to `LEVELS`, which the largest value of a map is, unless the map is zero; and the
        largest value of each map.
    """
    high = maps.max((1, 2)).astype(np.float32)
    share = maps / np.where(high > 0, high, 1)[:, None, None]
    return np.rint(LEVELS * share).astype(np.uint8), high


@dataclass(frozen=True)
class ChangeStage(MapStage):
    """Maps of |decode(the code at its positions, blank elsewhere) - decode(blank)|.

    Attributes:
        config: the `change` section.
    """

    name = "change"
    schema = CHANGES
    config: ChangeConfig

    @property
    def how(self) -> str:
        return "change"

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    @property
    def inputs(self) -> list[Any]:
        return [asdict(self.config)]

    def sees_frame(self) -> bool:
        return False

    def attributes(self) -> dict[str, Any]:
        return {"levels": LEVELS}

    def check(self, tokenizer: AnyTokenizer) -> None:
        """Every tokenizer can be explained."""

    def prepare(self, play: Store, in_play: InPlay) -> Explain:
        return lambda explained: put_in(in_play, explained)

    def pack(self, maps: np.ndarray) -> Arrays:
        """See `quantise`."""
        levels, high = quantise(maps)
        return {"heatmap": levels, "map_raw_max": high}
