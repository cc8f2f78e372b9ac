"""One map for each distinct decoder input, and which occurrence has which: what the map stages share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from irislib.artifacts import Schema, Store, open_store, writing
from irislib.device import pick_device
from irislib.errors import IrislibError
from irislib.interpret.attribution.occurrences import (
    Census,
    Occurrences,
    read_blocks,
    read_occurrences,
    take_census,
)
from irislib.runtime import workers
from irislib.shards import Arrays, Compute, Shards, compute_shards
from irislib.stores.rollouts import ROLLOUTS
from irislib.tokenizers.context import AnyTokenizer, InPlay
from irislib.tokenizers.load import load_recorded_tokenizer
from irislib.tokenizers.protocol import FrameTokenizer
from irislib.workdir import work_in

SHARD = 512  # maps

Explain = Callable[[Occurrences], Float[np.ndarray, "n h w"]]


class MapStage(ABC):
    """A stage that computes maps: what is its own. `write_maps` does the rest.

    It is sent to worker processes, so it holds picklable values alone.

    Attributes:
        name: of the stage.
        schema: of its store, with all arrays of `stores.heatmaps.OWNERS`.
    """

    name: ClassVar[str]
    schema: ClassVar[Schema]

    @property
    @abstractmethod
    def how(self) -> str:
        """How maps are computed, for the progress bar and for errors."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """Occurrences that are explained at once."""

    @property
    @abstractmethod
    def inputs(self) -> list[Any]:
        """JSON values that the maps depend on, beside the tokenizer and the recorded play."""

    @abstractmethod
    def sees_frame(self) -> bool:
        """Whether a map depends on the observed frame, beyond the code and its positions."""

    @abstractmethod
    def attributes(self) -> dict[str, Any]:
        """Attributes of the store, beside codebook_size, steps and frame_size."""

    @abstractmethod
    def check(self, tokenizer: AnyTokenizer) -> None:
        """Raises ParamError where the parameters do not fit the tokenizer."""

    @abstractmethod
    def prepare(self, play: Store, in_play: InPlay) -> Explain:
        """The function that computes the maps of a batch, float32 [N,h,w]; called once in each process.

        Args:
            play: recorded play.
            in_play: the tokenizer of its observations.
        """

    @abstractmethod
    def pack(self, maps: Float[np.ndarray, "n h w"]) -> Arrays:
        """Maps as the store keeps them: the array `heatmap`, and what is known of each map."""


def write_maps(stage: MapStage, agent: Path, rollouts: Path, work: Path, out: Path) -> None:
    """Writes the store of a map stage for the tokens of recorded play; resumes after a crash.

    The decoded image of a masked code depends on nothing but the code and its positions (if the tokenizer is
    `local`). Where a map depends on that image alone, occurrences that agree in code and positions share one
    map; maps are then ordered by code, then positions. Otherwise each occurrence has its own map, in the
    order of steps, then codes.

    Args:
        stage: what is computed.
        agent: folder of the agent, whose tokenizer it is unless the rollouts name another one.
        rollouts: store of recorded play.
        work: where finished shards of maps wait for the rest.
        out: the store.

    Raises:
        ParamError: see `MapStage.check`.
        ArtifactError: the tokenizer or the rollouts are missing or damaged, or do not belong together.
        IrislibError: a map is not finite, a worker died, or another process makes this very store.
    """
    play = open_store(rollouts, ROLLOUTS)
    tokenizer = load_recorded_tokenizer(play, agent)
    stage.check(tokenizer)
    codes, alone = len(tokenizer.codebook), stage.sees_frame() or not tokenizer.local
    census = take_census(play, codes)
    attrs = {
        "codebook_size": codes,
        "steps": len(play),
        "frame_size": list(play.array("obs").shape[1:3]),
    }
    # On a GPU one process: several would each hold a copy of its runtime, and wait for each other.
    processes = 1 if pick_device().type == "cuda" else workers()
    with work_in(work, stage.name, *stage.inputs, agent, rollouts) as folder:
        shards = Shards("map", len(census) if alone else len(census.distinct.code), SHARD, folder)
        compute_shards(
            shards,
            shards.unfinished(),
            processes,
            f"maps by {stage.how}",
            _mapper,
            *(stage, alone, agent, rollouts, census),
        )
        with writing(out, stage.schema, attrs | stage.attributes()) as writer:
            for arrays in shards.results():
                writer.append(**arrays)
            for block, occurrence_map in _assign(alone, play, codes, census):
                writer.append(occurrence_step=block.step, occurrence_map=occurrence_map)


def on_device(
    tokenizer: FrameTokenizer, explained: Occurrences
) -> tuple[Int64[Tensor, " n"], Bool[Tensor, "n h w"]]:
    """The code and the positions of each occurrence, where the tokenizer is."""
    device = tokenizer.codebook.device
    code = torch.from_numpy(explained.code.astype(np.int64)).to(device)
    return code, torch.from_numpy(explained.positions()).to(device)


def _assign(alone: bool, play: Store, codes: int, census: Census) -> Iterator[tuple[Occurrences, np.ndarray]]:
    """All occurrences in blocks, and the map of each, int32 [n]."""
    keys, seen = census.distinct.keys(), 0
    for block in read_blocks(play, codes):
        each = np.arange(seen, seen + len(block.step))
        seen += len(block.step)
        found = each if alone else np.searchsorted(keys, block.keys())
        yield block, found.astype(np.int32)


def _mapper(stage: MapStage, alone: bool, agent: Path, rollouts: Path, census: Census) -> Compute:
    play = open_store(rollouts, ROLLOUTS)
    explain = stage.prepare(play, InPlay.reading(load_recorded_tokenizer(play, agent), play.read))

    def compute(shard: range) -> Arrays:
        if alone:
            explained = read_occurrences(play, census, shard)
        else:
            explained = census.distinct.take(slice(shard.start, shard.stop))
        starts = range(0, len(shard), stage.batch_size)
        batches = [explained.take(slice(start, start + stage.batch_size)) for start in starts]
        maps = np.concatenate([explain(batch) for batch in batches])
        _require_finite(maps, explained, stage)
        owners = {"map_code": explained.code, "map_positions": explained.positions()}
        return {**stage.pack(maps), **owners}

    return compute


def _require_finite(maps: np.ndarray, explained: Occurrences, stage: MapStage) -> None:
    """Raises IrislibError where a map, of maps [N,h,w], holds a value that is not finite."""
    bad = np.flatnonzero(~np.isfinite(maps).all(axis=(1, 2)))
    if len(bad):
        raise IrislibError(
            f"{stage.name}: the map of code {explained.code[bad[0]]} in observation {explained.step[bad[0]]} "
            f"is not finite ({stage.how}); use a tokenizer that decodes to finite values"
        )
