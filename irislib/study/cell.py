"""The result of a cell: an arm's tokenizers, measured on episodes that they did not learn from."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from irislib.artifacts import Store
from irislib.device import one_thread
from irislib.interpret.embedding.pixel_features import fit_pixel_features
from irislib.interpret.tokens.patches import patch_boxes
from irislib.interpret.tokens.receptive_field import measure_receptive_field
from irislib.interpret.tokens.recording import Recording, read_recording
from irislib.interpret.tokens.summary import measure_tokens
from irislib.study.arms import Arm
from irislib.tokenizers.context import AnyTokenizer


def measure_cell(arm: Arm, seed: int, play: Store, tokenizers: Mapping[int, AnyTokenizer]) -> dict[str, Any]:
    """Measures an arm's tokenizers on the held-out episodes.

    All is computed on one thread: the same bits for any number of cores.

    Args:
        arm: how the tokenizers were made.
        seed: of all draws; `play` was recorded with it.
        play: recorded play (`PLAY`).
        tokenizers: by the gradient steps after which they stand (`tokenizers.read_tokenizers`).

    Returns:
        JSON values: `arm`, what its file says of it (`About`), `seed`, `steps`, and the measures of the
        finished tokenizer: those of `measure_tokens`, and `receptive_field`, the pixels around a patch that
        its token depends on, beside the most that the encoder allows (`ReceptiveField.window` and `extent`).
        Where there are earlier ones, `snapshots` holds the steps and the measures of each.

    Raises:
        ArtifactError: the play is damaged.
    """
    first = int(play.attrs["training_episodes"])
    length = max(one.context_length for one in tokenizers.values())
    training = read_recording(play, np.arange(first), seed)
    held_out = read_recording(play, np.arange(first, int(play.attrs["episodes"])), seed, length)
    with one_thread():
        rows = [
            {"steps": steps, **_measure(tokenizers[steps], training, held_out, arm, seed)}
            for steps in sorted(tokenizers)
        ]
    about = {"arm": arm.name, **asdict(arm.about), "seed": seed}
    return {**about, **rows[-1]} | ({"snapshots": rows[:-1]} if rows[:-1] else {})


def _measure(
    tokenizer: AnyTokenizer, training: Recording, held_out: Recording, arm: Arm, seed: int
) -> dict[str, Any]:
    boxes = patch_boxes(tokenizer, training.frames.shape[1:3])
    # No label taught this embedder, so it may judge arms that labels did teach.
    embedders = {"pixels": fit_pixel_features(training.frames, boxes, seed)}
    seen = np.flatnonzero(held_out.visible.observation)
    field = measure_receptive_field(
        tokenizer,
        boxes,
        held_out.frames[seen],
        held_out.visible.episode[seen],
        seed,
        context=held_out.past(seen),
    )
    return {
        **measure_tokens(tokenizer, held_out, embedders, arm.metrics, seed),
        "receptive_field": field.window,
        "receptive_field_limit": field.extent,
    }
