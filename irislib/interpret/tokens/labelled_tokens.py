"""Codes of the tokens that show the world, with the label of their patches: what agreement is counted on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int64, Integer, UInt8

from irislib.interpret.observations.exchange import ROUNDS
from irislib.interpret.observations.visible import Visible
from irislib.interpret.tokens.patches import PatchTruth
from irislib.seeding import stream

ORACLE_CODES = 8  # codes of each label in `plant_oracle`
FEWEST_TOKENS, FEWEST_EPISODES = 50, 4  # of a label that recall and reading are measured on


@dataclass(frozen=True)
class LabelledTokens:
    """The P tokens that show the world, in each of t observations that show it.

    Attributes:
        codes: K.
        names: of the L labels.
        step: the observation.
        episode: its episode, of E.
        code: of each token.
        label: of most of its patch's pixels.
        counts: tokens by episode, code and label.
        elsewhen: for each exchange, tokens by code and label, had every observation the labels of the one
            that stands in for it.
    """

    codes: int
    names: tuple[str, ...]
    step: Int64[np.ndarray, " t"]
    episode: Int64[np.ndarray, " t"]
    code: Int64[np.ndarray, "t position"]
    label: UInt8[np.ndarray, "t position"]
    counts: Int64[np.ndarray, "episode code label"]
    elsewhen: Int64[np.ndarray, "round code label"]

    @property
    def frequent(self) -> Bool[np.ndarray, " label"]:
        """Labels with at least `FEWEST_TOKENS` tokens, in at least `FEWEST_EPISODES` episodes."""
        by_episode = self.counts.sum(axis=1)
        many = by_episode.sum(axis=0) >= FEWEST_TOKENS
        kept: np.ndarray = many & (np.count_nonzero(by_episode, axis=0) >= FEWEST_EPISODES)
        return kept

    @property
    def code_label(self) -> Int[np.ndarray, " code"]:
        """The commonest label of each code; -1 for a code that no token has."""
        total = self.counts.sum(axis=0)
        return np.where(total.any(axis=1), total.argmax(axis=1), -1)


def plant_oracle(tokens: LabelledTokens, patches: PatchTruth, visible: Visible, seed: int) -> LabelledTokens:
    """The same tokens, had every label `ORACLE_CODES` codes of its own, one of which is drawn for each token.

    Args:
        tokens: with their labels.
        patches: what stands in each patch.
        visible: which observations show the world, and what stands in for them.
        seed: of the draw.
    """
    drawn = stream(seed, "oracle").integers(0, ORACLE_CODES, tokens.code.shape)
    code = tokens.label.astype(np.int64) * ORACLE_CODES + drawn
    return _join(code, ORACLE_CODES * len(tokens.names), tokens.step, patches, visible)


def label_tokens(
    tokens: Integer[np.ndarray, "step h w"], codes: int, patches: PatchTruth, visible: Visible
) -> LabelledTokens:
    """Joins the tokens with what stands in their patches.

    Args:
        tokens: of all T observations.
        codes: K.
        patches: what stands in each patch.
        visible: which observations show the world, and what stands in for them.
    """
    step = np.flatnonzero(visible.observation)
    code = tokens.reshape(len(tokens), -1)[step][:, patches.position].astype(np.int64)
    return _join(code, codes, step, patches, visible)


def _join(
    code: Int64[np.ndarray, "t position"],
    codes: int,
    step: Int64[np.ndarray, " t"],
    patches: PatchTruth,
    visible: Visible,
) -> LabelledTokens:
    labels, episode = len(patches.names), visible.episode[step]

    def count(key: np.ndarray, label: np.ndarray, groups: int) -> np.ndarray:
        found = np.bincount((key * labels + label).ravel(), minlength=groups * labels)
        return found.astype(np.int64)

    counts = count(episode[:, None] * codes + code, patches.label[step], visible.episodes * codes)
    elsewhen = np.zeros((ROUNDS, codes, labels), np.int64)
    for round_ in range(ROUNDS):
        other = visible.exchanged(step, round_)
        there = np.flatnonzero(other >= 0)
        found = count(code[there], patches.label[other[there]], codes)
        elsewhen[round_] = found.reshape(codes, labels)
    return LabelledTokens(
        codes=codes,
        names=patches.names,
        step=step,
        episode=episode,
        code=code,
        label=patches.label[step],
        counts=counts.reshape(visible.episodes, codes, labels),
        elsewhen=elsewhen,
    )
