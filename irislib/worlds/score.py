"""How well episodes went: returns, lengths, success rates, and a world's own score."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from irislib.worlds.crafter.score import crafter_score

# By the name of the world; others have no score of their own.
SCORES: dict[str, Callable[[Sequence[float]], float]] = {"crafter": crafter_score}


def playing_statistics(
    reward: Float[np.ndarray, " step"], episode: Int[np.ndarray, " step"]
) -> dict[str, float]:
    """Returns (sums of rewards) and lengths (in steps) over the episodes.

    Args:
        reward: of every step.
        episode: number of the episode that a step belongs to.

    Returns:
        return_mean, return_std (of the population) and length_mean.
    """
    _, episode = np.unique(episode, return_inverse=True)
    returns = np.bincount(episode, weights=reward)
    return {
        "return_mean": float(returns.mean()),
        "return_std": float(returns.std()),
        "length_mean": float(np.bincount(episode).mean()),
    }


def success_rates(
    goal: Bool[np.ndarray, "step goal"], episode: Int[np.ndarray, " step"], names: Sequence[str]
) -> dict[str, float]:
    """The share of episodes that reach each goal at least once, by its name.

    Args:
        goal: which goals a step reached.
        episode: number of the episode that a step belongs to.
        names: of the goals.
    """
    reached = pd.DataFrame(goal).groupby(episode).any()
    return {str(name): float(rate) for name, rate in zip(names, reached.mean(), strict=True)}


def score(world: str, rates: dict[str, float]) -> float | None:
    """The world's own score; None for a world that has none.

    Args:
        world: its name.
        rates: success rate of each of its goals.
    """
    return SCORES[world](list(rates.values())) if world in SCORES else None
