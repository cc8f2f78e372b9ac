"""All that the view of a code shows, as JSON values."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from irislib.interpret.evenly_spaced import evenly_spaced
from irislib.report.inputs import Inputs
from irislib.report.page.explorer import code_text
from irislib.report.page.explorer.neighbours import SHOWN, companions, nearest_codes
from irislib.report.page.explorer.occurrences import CLASSES, Occurrences
from irislib.report.page.explorer.usage import count_episodes, count_places
from irislib.report.page.explorer.words import Words
from irislib.report.page.table.code_words import Facts, known

FRAMES = 8  # of each code
BARS = 16  # of the histogram of map strength
LABELS = 8  # of each code, those with the largest share of its maps' mass


def view_codes(
    inputs: Inputs,
    names: list[str],
    occurrences: Occurrences,
    codebook: Float[np.ndarray, "code channel"],
    words: Words,
) -> list[dict[str, Any]]:
    """One record for each code, without its frames and crops.

    Keys: title, verdict, tests, definitions, agreement (words); classes (occurrences in each of `CLASSES`);
    strength (occurrences in each of `BARS` equal steps up to the strongest map of all codes); labels (index,
    share of the mass, the same elsewhere, share of the divisions that confirm it, IoU); pairs (code,
    observations, expected, share of the divisions that confirm it); together (code, observations, PMI);
    nearest (code, cosine); places (tokens at each position, row by row); episodes (tokens in each bin).

    Args:
        names: of the labels.
        occurrences: all of them.
        words: receives the texts of verdicts, tests and definitions; a record has their numbers.
    """
    tokens, episode = inputs.rollouts.read("token"), inputs.rollouts.read("episode")
    codes = len(inputs.codes)
    classes = _counts(occurrences.code, occurrences.kind.astype(int), codes, len(CLASSES))
    strength = _counts(occurrences.code, _bars(occurrences.strength), codes, BARS)
    places = count_places(tokens, codes)
    episodes = count_episodes(tokens, episode, int(inputs.rollouts.attrs["episodes"]), codes)
    near = nearest_codes(codebook)
    together = companions(occurrences.step, occurrences.code, ~inputs.rollouts.read("hidden"), codes)
    pairs, of_code = _pairs(inputs.pairs), dict[int, list[Facts]]()
    for row in inputs.labels.sort_values("mass_share", ascending=False, kind="stable").to_dict("records"):
        of_code.setdefault(row["code"], []).append(row)
    views = []
    for code, facts in zip(inputs.codes.index, inputs.codes.to_dict("records"), strict=True):
        labels = of_code.get(code, [])
        defined = code_text.definitions(facts, labels)
        views.append(
            {
                "title": inputs.name_of(code).partition(" ")[2].strip("()"),
                "verdict": words.number_all(code_text.verdict(facts)),
                "tests": [words.number_all(vars(test).values()) for test in code_text.tests(facts)],
                "definitions": [words.number_all(vars(one).values()) for one in defined],
                "agreement": code_text.agreement(defined),
                "classes": classes[code].tolist(),
                "strength": strength[code].tolist(),
                "labels": _labels(labels, names),
                "pairs": pairs.get(code, []),
                "together": [[other, count, round(pmi, 2)] for other, count, pmi in together[code]],
                "nearest": [[other, round(cosine, 3)] for other, cosine in near[code]],
                "places": places[code].ravel().tolist(),
                "episodes": episodes[code].tolist(),
            }
        )
    return views


def choose_frames(
    pooled: Occurrences, episode: Int[np.ndarray, " step"], codes: int
) -> Int[np.ndarray, " n"]:
    """At most `FRAMES` occurrences of each code: rows of `pooled`, sorted by code, then by class.

    The classes get equal numbers, as far as they have occurrences. Inside a class the occurrences are evenly
    spaced, so that nobody selects them; over the first of each episode if these are enough, because frames of
    an episode look alike.

    Args:
        pooled: the occurrences in the frames of the pool.
        episode: of every observation.
    """
    order = np.lexsort((pooled.step, pooled.kind, pooled.code))
    group = pooled.code[order].astype(np.int64) * len(CLASSES) + pooled.kind[order]
    start = np.searchsorted(group, np.arange(codes * len(CLASSES) + 1))
    chosen = [np.zeros(0, np.int64)]
    for code in range(codes):
        edges = start[code * len(CLASSES) : (code + 1) * len(CLASSES) + 1]
        for begin, size, wanted in zip(edges, np.diff(edges), _share_out(np.diff(edges)), strict=False):
            rows = order[begin : begin + size]
            first = np.unique(episode[pooled.step[rows]], return_index=True)[1]
            rows = rows[first] if len(first) >= wanted else rows
            chosen.append(rows[evenly_spaced(len(rows), wanted)])
    return np.concatenate(chosen)


def _share_out(sizes: Int[np.ndarray, " class"]) -> list[int]:
    """How many of each class to take: one of each in turn, the first class first, up to `FRAMES`."""
    taken = [0] * len(sizes)
    while sum(taken) < min(FRAMES, sizes.sum()):
        for one, size in enumerate(sizes):
            if taken[one] < size and sum(taken) < FRAMES:
                taken[one] += 1
    return taken


def _counts(
    code: Int[np.ndarray, " n"], column: Int[np.ndarray, " n"], codes: int, columns: int
) -> Int[np.ndarray, "code column"]:
    at = code.astype(np.int64) * columns + column
    return np.bincount(at, minlength=codes * columns).reshape(codes, columns)


def _bars(strength: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    highest = strength.max(initial=0) or 1.0
    return np.minimum((BARS * strength / highest).astype(np.int64), BARS - 1)


def _labels(labels: list[Facts], names: list[str]) -> list[list[Any]]:
    return [
        [
            names.index(row["label"]),
            _share(row["mass_share"]),
            _share(row["place_share"]) if code_text.compared(row) else None,
            _share(row["confirmed"]),
            float(f"{row['iou']:.2g}") if known(row["iou"]) else None,
        ]
        for row in labels[:LABELS]
    ]


def _share(value: float) -> float | None:
    """A share with the digits that the page shows, as `percent` does: it must not be rounded twice."""
    if not known(value):
        return None
    return float(f"{value:.3g}") if value < 0.9995 else round(value, 4)


def _pairs(pairs: pd.DataFrame) -> dict[int, list[list[Any]]]:
    """The partners of each code in pairs.csv, most frequent first."""
    partners: dict[int, list[list[Any]]] = {}
    for row in pairs.to_dict("records"):
        for one, other in ((row["code_a"], row["code_b"]), (row["code_b"], row["code_a"])):
            numbers = [row["count"], round(row["expected"], 1), _share(row["confirmed"])]
            if len(partners.setdefault(one, [])) < SHOWN:
                partners[one].append([other, *numbers])
    return partners
