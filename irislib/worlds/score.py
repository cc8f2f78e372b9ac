"""How well episodes of Crafter went: returns, lengths, success rates and the game's score (Hafner 2021)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def playing_statistics(reward: np.ndarray, episode: np.ndarray) -> dict[str, float]:
    """Returns (in rewards) and lengths (in steps) over the episodes; the deviation is the population's.

    Args:
        reward: float [T], of every step.
        episode: int [T], the number of the episode that a step belongs to.
    """
    _, episode = np.unique(episode, return_inverse=True)
    returns = np.bincount(episode, weights=reward)
    return {
        "return_mean": float(returns.mean()),
        "return_std": float(returns.std()),
        "length_mean": float(np.bincount(episode).mean()),
    }


def success_rates(achievement: np.ndarray, episode: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """The share of episodes that reach each achievement at least once, by its name.

    Args:
        achievement: bool [T,A], which achievements a step reached.
        episode: int [T], the number of the episode that a step belongs to.
        names: of the A achievements.
    """
    reached = pd.DataFrame(achievement).groupby(episode).any()
    return {str(name): float(rate) for name, rate in zip(names, reached.mean(), strict=True)}


def crafter_score(rates: Sequence[float]) -> float:
    """exp(mean of ln(1 + s_i)) - 1, in percent, s_i the success rates in percent (arXiv 2109.06780).

    Args:
        rates: one an achievement, shares in [0, 1].
    """
    return float(np.expm1(np.log1p(100 * np.asarray(rates)).mean()))
