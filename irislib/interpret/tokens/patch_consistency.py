"""Whether a code's patches are more alike than their places are (docs/protocol.md, step 11)."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int64

from irislib.device import one_thread
from irislib.interpret.confirmation.halves import divide
from irislib.interpret.consistency.measure import MeasuredConsistency, measure_consistency
from irislib.interpret.crops.cropping import CropPlan, plan_crops
from irislib.interpret.crops.in_memory import crops_to_embed, with_features
from irislib.interpret.crops.pixels import find_identical
from irislib.interpret.embedding.embed import CALIBRATION, rounded
from irislib.interpret.embedding.resnet import Embedder
from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.interpret.evidence import Crops, Maps
from irislib.interpret.metrics_config import MetricsConfig
from irislib.interpret.tokens.labelled_tokens import LabelledTokens
from irislib.interpret.tokens.patches import PatchTruth
from irislib.interpret.tokens.recording import Recording
from irislib.seeding import stream

CODES = 256  # at most so many are tested, drawn at random among the used ones
CROPS_PER_CODE = 64
BATCH = 64  # crops embedded at once


def measure_patch_consistency(
    recording: Recording,
    tokens: LabelledTokens,
    patches: PatchTruth,
    grid: tuple[int, int],
    embedder: Embedder,
    config: MetricsConfig,
    seed: int,
) -> MeasuredConsistency:
    """Compares the patches of each code with the same patches in other episodes (protocol step 7).

    Other than in step 7, a crop is the patch of one token, not the box around all that adjoin.

    Args:
        recording: the frames.
        tokens: that show the world.
        patches: their patches.
        grid: h and w.
        embedder: of the crops.
        config: the `metrics` section.
        seed: of the draws.
    """
    maps, position = draw_tokens(tokens, recording.visible.episode, seed)
    plan = plan_crops(
        maps,
        np.arange(len(position)),
        patches.box[position],
        recording.visible.stratum,
        recording.frames.shape[1:3],
        grid,
        CROPS_PER_CODE,
        seed,
    )
    crops = _embed(recording, plan, embedder, len(position))
    halves = divide(recording.visible.episodes, seed)
    return measure_consistency(
        crops, np.ones(len(crops.own)), tokens.codes, halves, config, seed, whole=False
    )


def draw_tokens(
    tokens: LabelledTokens, episode: Int64[np.ndarray, " t"], seed: int
) -> tuple[Maps, Int64[np.ndarray, " occurrence"]]:
    """One token of each occurrence of at most `CODES` codes, each drawn with the same probability.

    Args:
        tokens: that show the world.
        episode: of each observation of the recording.
        seed: of the draws.

    Returns:
        The occurrences, each with a map of its own, and which of the P positions was drawn for it.
    """
    rng = stream(seed, "patch consistency")
    used = np.unique(tokens.code)
    tested = np.sort(rng.permutation(used)[:CODES])
    order = rng.permuted(np.tile(np.arange(tokens.code.shape[1]), (len(tokens.code), 1)), axis=1)
    code = np.take_along_axis(tokens.code, order, axis=1)
    key = np.arange(len(code))[:, None] * tokens.codes + code
    occurrence, first = np.unique(key, return_index=True)
    kept = np.isin(occurrence % tokens.codes, tested)
    occurrence, position = occurrence[kept], order.ravel()[first[kept]]
    filled = np.ones(len(occurrence), bool)
    maps = Maps(
        codes=tokens.codes,
        episode=episode,
        code=(occurrence % tokens.codes).astype(np.int32),
        nonempty=filled,
        nonzero=filled,
        occurrence_step=tokens.step[occurrence // tokens.codes].astype(np.int32),
        occurrence_map=np.arange(len(occurrence), dtype=np.int32),
    )
    return maps, position


def _embed(recording: Recording, plan: CropPlan, embedder: Embedder, regions: int) -> Crops:
    """The crops with features, in memory; those with the same pixels are embedded once."""
    step, box = crops_to_embed(plan)

    def cut(rows: np.ndarray) -> Iterator[np.ndarray]:
        for row in rows:
            y0, x0, y1, x1 = box[row]
            yield recording.frames[step[row], y0:y1, x0:x1]

    row, first = find_identical(cut(np.arange(len(step))))
    with one_thread():
        embedder.calibrate(list(cut(first[evenly_spaced(len(first), CALIBRATION)])))
        starts = range(0, len(first), BATCH)
        features = [rounded(embedder(list(cut(first[start : start + BATCH])))) for start in starts]
    embedding = np.concatenate(features) if features else np.zeros((0, embedder.dimension), np.int8)
    return with_features(plan, recording.visible.episode, regions, row, embedding)
