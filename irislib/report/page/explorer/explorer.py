"""The data of the views of codes and of the token inspector: one JSON text, and sheets of pictures."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.interpret.labels.truth import Truth, read_truth
from irislib.report.inputs import Inputs
from irislib.report.page.explorer.code_views import choose_frames, view_codes
from irislib.report.page.explorer.frame_labels import label_under
from irislib.report.page.explorer.frame_pool import (
    INSPECTED,
    PIXELS,
    choose_inspected,
    choose_pool,
    frame_side,
)
from irislib.report.page.explorer.map_text import map_size, map_texts
from irislib.report.page.explorer.occurrences import CLASSES, Occurrences, read_occurrences
from irislib.report.page.explorer.token_inspector import first_look, inspect_frames
from irislib.report.page.explorer.usage import bars_of_episodes
from irislib.report.page.explorer.words import Words
from irislib.report.page.sprites import Sheet, pack
from irislib.report.pictures import distinct_crops, read_crops, read_maps
from irislib.tokenizers.load import load_recorded_tokenizer

CROP_SIDE = 24  # side of a crop on its sheet, pixels; larger crops are averaged down
MOST_CROPS = 2**14  # crops of all codes; if there are more, each code shows evenly spaced ones


@dataclass(frozen=True)
class Explorer:
    """What the scripts read.

    Attributes:
        data: JSON text, see README.md; safe inside a script element.
        frames, decoded, crops: sheets of the frames of the pool, of the reconstructions of the inspected
            frames, and of the crops of all codes.
        inspected: number of frames to look at.
    """

    data: str
    frames: list[Sheet]
    decoded: list[Sheet]
    crops: list[Sheet]
    inspected: int


def explore(inputs: Inputs) -> Explorer:
    """Chooses frames and crops, and collects what is shown of them and of each code."""
    if len(inputs.codes) == 0:
        return Explorer("null", [], [], [], 0)
    truth, occurrences = read_truth(inputs.rollouts), read_occurrences(inputs)
    tokenizer = load_recorded_tokenizer(inputs.rollouts, inputs.agent, torch.device("cpu"))
    side, steps = frame_side(inputs), len(inputs.rollouts)
    looked_at = choose_inspected(inputs)
    pool = choose_pool(occurrences, looked_at, steps, max(INSPECTED, PIXELS // side**2))

    pooled = occurrences.rows(np.isin(occurrences.step, pool))
    chosen = pooled.rows(choose_frames(pooled, inputs.rollouts.read("episode"), len(inputs.codes)))
    inspected = occurrences.rows(np.isin(occurrences.step, looked_at))
    used = np.unique(np.concatenate([chosen.map, inspected.map]))
    words, codebook = Words(), tokenizer.codebook.cpu().numpy()
    views = view_codes(inputs, list(truth.names), occurrences, codebook, words)
    _add_frames(views, inputs, truth, chosen, pool, used)
    crops = _add_crops(views, inputs)

    decoded, inspector = inspect_frames(inputs, tokenizer, truth, inspected, looked_at, pool, used)
    frame = inputs.rollouts.array("obs").shape[1:3]
    data = {
        "frame": list(frame),
        "grid": list(inputs.rollouts.array("token").shape[1:]),
        "map": list(map_size(inputs.changes.array("heatmap").shape[1:])),
        "maps": map_texts(read_maps(inputs, used)),
        "strongest": float(f"{occurrences.strength.max(initial=0):.3g}"),
        "classes": list(CLASSES),
        "labels": list(truth.names),
        "hidden": inputs.hidden_label,
        "pool": _describe(inputs, pool),
        "episodes": bars_of_episodes(int(inputs.rollouts.attrs["episodes"])),
        "inspected": inspector,
        "first": first_look(inspector, inputs.rollouts.read("daylight", looked_at)),
        "codes": views,
        "words": words.texts,
    }
    sheets = pack(list(inputs.rollouts.read("obs", pool)), side)[0], pack(decoded, side)[0]
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return Explorer(text.replace("<", "\\u003c"), *sheets, crops, len(looked_at))


def _describe(inputs: Inputs, pool: Int[np.ndarray, " n"]) -> list[list[int]]:
    """Episode and step within the episode of each frame of the pool."""
    episode = inputs.rollouts.read("episode")
    first = np.searchsorted(episode, episode[pool])
    described: list[list[int]] = np.stack([episode[pool], pool - first], axis=1).tolist()
    return described


def _add_frames(
    views: list[dict[str, Any]],
    inputs: Inputs,
    truth: Truth,
    chosen: Occurrences,
    pool: Int[np.ndarray, " n"],
    used: Int[np.ndarray, " m"],
) -> None:
    """Adds `frames` to the views: number in the pool and of the map, class, strength, label (-1: hidden)."""
    label = label_under(truth, read_maps(inputs, chosen.map).astype(np.float64), chosen.step)
    label[inputs.rollouts.read("hidden")[chosen.step]] = -1
    for view in views:
        view["frames"] = []
    frame, drawn = np.searchsorted(pool, chosen.step), np.searchsorted(used, chosen.map)
    for row, code in enumerate(chosen.code):
        shown = int(frame[row]), int(drawn[row]), int(chosen.kind[row])
        strength = float(f"{chosen.strength[row]:.3g}")
        views[code]["frames"].append([*shown, strength, int(label[row])])


def _add_crops(views: list[dict[str, Any]], inputs: Inputs) -> list[Sheet]:
    """Adds `crops` to the views: first picture on the sheets, how many are shown, and how many there are."""
    crops = distinct_crops(inputs)
    of_code = {code: rows.to_numpy() for code, rows in crops.groupby("code").groups.items()}
    most = max(1, MOST_CROPS // max(1, len(views)))
    shown: list[Int[np.ndarray, " n"]] = [np.zeros(0, np.int64)]
    first = 0
    for code, view in enumerate(views):
        rows = of_code.get(code, shown[0])
        kept = rows[evenly_spaced(len(rows), most)]
        view["crops"] = [first, len(kept), len(rows)]
        first += len(kept)
        shown.append(kept)
    return pack(read_crops(inputs, np.concatenate(shown)), CROP_SIDE)[0]
