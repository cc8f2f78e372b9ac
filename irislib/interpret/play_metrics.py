"""How well the agent plays while it is recorded: it decides what the codes get to see."""

from typing import Any

import numpy as np

from irislib.artifacts import Store
from irislib.worlds.score import playing_statistics, score, success_rates


def playing_metrics(rollouts: Store) -> dict[str, Any]:
    """How the recorded episodes went.

    Returns:
        episodes, transitions; return_mean, return_std, length_mean (see `playing_statistics`); score, the
        world's own (None where it has none); success_rate, the share of episodes that reach each goal.
    """
    episode = rollouts.read("episode")
    rates = success_rates(rollouts.read("goal"), episode, rollouts.attrs["goal_names"])
    return {
        "episodes": len(np.unique(episode)),
        "transitions": len(episode),
        **playing_statistics(rollouts.read("reward"), episode),
        "score": score(rollouts.attrs["world"], rates),
        "success_rate": rates,
    }
