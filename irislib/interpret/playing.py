"""How well the agent plays: it is part of the finding (DESIGN, facts)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from irislib.artifacts import Store


def crafter_score(rates: Sequence[float]) -> float:
    """exp(mean of ln(1 + s_i)) - 1, in percent, s_i the success rates in percent (Hafner 2021).

    Args:
        rates: one an achievement, shares in [0, 1].
    """
    return float(np.expm1(np.log1p(100 * np.asarray(rates)).mean()))


def success_rates(rollouts: Store) -> dict[str, float]:
    """The share of episodes that reach each achievement at least once, by its name."""
    reached = pd.DataFrame(rollouts.read("achievement"), columns=rollouts.attrs["achievement_names"])
    rates = reached.groupby(rollouts.read("episode")).any().mean()
    return {str(name): float(rate) for name, rate in rates.items()}


def playing_metrics(rollouts: Store) -> dict[str, float]:
    """Returns and lengths (steps) over the episodes of rollouts.zarr; return_std is the population's."""
    _, episode = np.unique(rollouts.read("episode"), return_inverse=True)
    length = np.bincount(episode)
    returns = np.bincount(episode, weights=rollouts.read("reward"))
    return {
        "episodes": len(length),
        "transitions": len(episode),
        "return_mean": float(returns.mean()),
        "return_std": float(returns.std()),
        "length_mean": float(length.mean()),
    }
