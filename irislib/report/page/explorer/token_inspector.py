"""Tokens, truth and reconstructions of the frames to look at."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from irislib.interpret.labels.truth import Truth
from irislib.report.inputs import Inputs
from irislib.report.page.explorer.frame_labels import labels_in_patches
from irislib.report.page.explorer.occurrences import Occurrences
from irislib.report.survival import BRIGHT
from irislib.tokenizers.context import AnyTokenizer, past_of
from irislib.tokenizers.reconstruction import psnr, reconstruct


def inspect_frames(
    inputs: Inputs,
    tokenizer: AnyTokenizer,
    truth: Truth,
    occurrences: Occurrences,
    steps: Int[np.ndarray, " n"],
    pool: Int[np.ndarray, " m"],
    used: Int[np.ndarray, " k"],
) -> tuple[list[UInt8[np.ndarray, "y x 3"]], list[dict[str, Any]]]:
    """The reconstructions of some frames, and a record for each.

    Keys of a record: frame (number in the pool), hidden, psnr (dB; null if the reconstruction is exact),
    tokens (codes, row by row), maps (number of the map of each token's code), truth (`labels_in_patches`).

    Args:
        occurrences: those in these frames.
        steps: the frames, ascending.
        pool: the frames that are stored.
        used: rows of the maps that are stored.
    """
    frames = inputs.rollouts.read("obs", steps)
    decoded = reconstruct(tokenizer, frames, past_of(inputs.rollouts.read, steps, tokenizer.context_length))
    tokens, hidden = inputs.rollouts.read("token", steps), inputs.rollouts.read("hidden", steps)
    records = []
    for row, (step, quality) in enumerate(zip(steps, psnr(frames, decoded), strict=True)):
        here = occurrences.step == step
        drawn = np.searchsorted(used, occurrences.map[here])
        map_of = dict(zip(occurrences.code[here].tolist(), drawn.tolist(), strict=True))
        codes = tokens[row].ravel().tolist()
        records.append(
            {
                "frame": int(np.searchsorted(pool, step)),
                "hidden": int(hidden[row]),
                "psnr": round(float(quality), 1) if np.isfinite(quality) else None,
                "tokens": codes,
                "maps": [map_of[code] for code in codes],
                "truth": labels_in_patches(truth, tokens.shape[1:], int(step)),
            }
        )
    return list(decoded), records


def first_look(records: list[dict[str, Any]], daylight: Float[np.ndarray, " n"]) -> list[int]:
    """The frame and the square that the reader sees first: their numbers.

    Of the frames that show the world brightly, the one with the most different labels; if none does, of those
    that show the world; else of all. Of its squares the one with the most labels. The first if several are
    equal.

    Args:
        records: of `inspect_frames`; at least one.
        daylight: of each frame.
    """
    visible = [not record["hidden"] for record in records]
    bright = [seen and light >= BRIGHT for seen, light in zip(visible, daylight, strict=True)]
    free = bright if any(bright) else visible if any(visible) else [True] * len(records)

    def labels(number: int) -> int:
        return len({label for patch in records[number]["truth"] for label, _ in patch})

    best = max(np.flatnonzero(free).tolist(), key=labels)
    truth = records[best]["truth"]
    return [best, max(range(len(truth)), key=lambda square: len(truth[square]))]
