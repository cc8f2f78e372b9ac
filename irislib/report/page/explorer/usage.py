"""Where in the frame, and in which episodes, each code stands."""

import numpy as np
from jaxtyping import Int

BINS = 64  # largest number of episodes that are counted apart; if there are more, neighbours count together


def count_places(tokens: Int[np.ndarray, "step h w"], codes: int) -> Int[np.ndarray, "code h w"]:
    """How many tokens of each code stand at each position, int64."""
    height, width = tokens.shape[1:]
    place = np.arange(height * width).reshape(height, width)
    at = tokens.astype(np.int64) * height * width + place
    return np.bincount(at.ravel(), minlength=codes * height * width).reshape(codes, height, width)


def bars_of_episodes(episodes: int) -> dict[str, int]:
    """How many episodes there are, and how many one bin stands for: as few as leave at most `BINS` bins."""
    return {"count": episodes, "per_bar": max(1, -(-episodes // BINS))}


def count_episodes(
    tokens: Int[np.ndarray, "step h w"], episode: Int[np.ndarray, " step"], episodes: int, codes: int
) -> Int[np.ndarray, "code bin"]:
    """How many tokens of each code are in each bin of episodes (`bars_of_episodes`), int64."""
    each = bars_of_episodes(episodes)["per_bar"]
    bins = -(-episodes // each)
    at = tokens.astype(np.int64) * bins + (episode // each)[:, None, None]
    return np.bincount(at.ravel(), minlength=codes * bins).reshape(codes, bins)
