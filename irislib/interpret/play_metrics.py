"""How well the agent plays while it is recorded: it decides what the codes get to see."""

from typing import Any

import numpy as np

from irislib.artifacts import Store
from irislib.worlds.score import crafter_score, playing_statistics, success_rates


def playing_metrics(rollouts: Store) -> dict[str, Any]:
    """Episodes, transitions, returns, lengths, success rates and Crafter's score of rollouts.zarr."""
    episode = rollouts.read("episode")
    rates = success_rates(rollouts.read("achievement"), episode, rollouts.attrs["achievement_names"])
    return {
        "episodes": len(np.unique(episode)),
        "transitions": len(episode),
        **playing_statistics(rollouts.read("reward"), episode),
        "crafter_score": crafter_score(list(rates.values())),
        "success_rate": rates,
    }
