"""What would have been found had it been there: planted codes, one label each (protocol step 10)."""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int64

from irislib.interpret.confirmation.halves import Confirmed, significant
from irislib.interpret.crops.attribution_kinds import Attribution
from irislib.interpret.evidence import Maps
from irislib.interpret.labels.label_mass import LabelMass, label_occurrences
from irislib.interpret.labels.names import find_names
from irislib.interpret.labels.truth import Truth
from irislib.interpret.observations.visible import Visible
from irislib.seeding import stream

TRIES = 20  # planted codes of each label
OBSERVATIONS = 100  # of a planted code
NOTHING = "nothing"


def power_table(
    truth: Truth,
    visible: Visible,
    real: Confirmed,
    halves: Bool[np.ndarray, "divisions episodes"],
    alpha: float,
    seed: int,
) -> pd.DataFrame:
    """How often a planted code would be named, by label.

    A planted code stands in up to `OBSERVATIONS` observations, spread evenly over the episodes that show the
    label, and each of its maps lies on one rectangle that shows the label. A code that shows nothing lies on
    any rectangle. Each is tested together with the real codes, as one code more.

    Args:
        truth: labels of the play.
        visible: which observations show the world, and what stands in for them.
        real: the names of the real codes.
        halves: divisions of the episodes.
        alpha: false discovery rate.
        seed: of the draws.

    Returns:
        One row for each label that is ever visible, and one for "nothing". Columns: label, episodes (that
        show it), planted (number of planted codes), named (share of them that gets the label; for "nothing":
        any label).
    """
    labels = len(truth.names) - 1
    shown = visible.observation[:, None] & np.ones(truth.label.shape, bool)
    rows = []
    for label in [*range(labels), None]:
        where = shown if label is None else shown & (truth.label == label)
        observation, box = np.nonzero(where)
        episodes = np.unique(visible.episode[observation])
        if not len(episodes):
            continue
        name = NOTHING if label is None else truth.names[label]
        rng = stream(seed, "planted", name)
        drawn = [_draw(observation, box, visible.episode[observation], rng) for _ in range(TRIES)]
        mass = label_occurrences(truth, planted(truth, visible, drawn), visible)
        named = _named(mass, real, halves, alpha, label)
        rows.append({"label": name, "episodes": len(episodes), "planted": TRIES, "named": named})
    return pd.DataFrame(rows, columns=["label", "episodes", "planted", "named"])


def _draw(
    observation: np.ndarray, box: np.ndarray, episode: np.ndarray, rng: np.random.Generator
) -> Int64[np.ndarray, "n 2"]:
    """Observations and rectangles of one planted code, episodes taking turns."""
    order = rng.permutation(len(episode))
    # The rank of each candidate among those of its episode.
    sort = np.argsort(episode[order], kind="stable")
    first = np.flatnonzero(np.diff(episode[order][sort], prepend=-1))
    rank = np.empty(len(order), np.int64)
    rank[sort] = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    rows = order[np.argsort(rank, kind="stable")[:OBSERVATIONS]]
    rows = np.sort(rows[np.unique(observation[rows], return_index=True)[1]])
    chosen: np.ndarray = np.stack([observation[rows], box[rows]], axis=1)
    return chosen


def planted(truth: Truth, visible: Visible, drawn: list[np.ndarray]) -> Attribution:
    """Maps of planted codes.

    Args:
        truth: labels of the play.
        visible: the observations.
        drawn: for each code, int64 [n,2], its observations and the rectangle that its map lies on there.
    """
    code = np.repeat(np.arange(len(drawn)), [len(one) for one in drawn])
    observation, box = np.concatenate(drawn).T
    order = np.lexsort((code, observation))
    code, observation, box = code[order], observation[order], box[order]
    filled = np.ones(len(code), bool)
    maps = Maps(
        codes=len(drawn),
        episode=visible.episode,
        code=code.astype(np.int32),
        nonempty=filled,
        nonzero=filled,
        occurrence_step=observation.astype(np.int32),
        occurrence_map=np.arange(len(code), dtype=np.int32),
    )
    mass = np.zeros((len(code), len(truth.boxes)), np.float32)
    mass[np.arange(len(code)), box] = 1
    return Attribution("position", maps, mass, np.zeros(0, np.int64), np.zeros((0, 4), np.int16))


def _named(mass: LabelMass, real: Confirmed, halves: np.ndarray, alpha: float, label: int | None) -> float:
    names = find_names(mass, halves, alpha, nulls=0)
    right = np.ones(len(names.label), bool) if label is None else names.label == label
    held = 0
    for code in range(mass.codes):
        mine = (names.code == code) & right
        confirmed = 0
        for division in range(len(halves)):
            chosen = names.found.chosen[division] & mine
            if chosen.any():
                others = real.second[division, real.chosen[division]]
                family = np.concatenate([names.found.second[division, chosen], others])
                confirmed += bool(significant(family, alpha)[0])
        held += confirmed > len(halves) / 2
    return held / mass.codes
