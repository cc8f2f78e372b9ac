"""Whole agents of the study: what each reaches, beside random actions and beside IRIS as it is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from irislib.report.findings import Measured
from irislib.report.intervals import mean_interval

DEFAULT = "default"  # the agent of params.yaml as it is


@dataclass(frozen=True)
class WholeAgents:
    """The tables of the whole agents.

    Attributes:
        table: agents.csv: a row for each agent and seed; often without rows.
        curves: agent_curves.csv: a row for each agent, seed, and epoch in which an episode ended.
    """

    table: pd.DataFrame
    curves: pd.DataFrame

    def __bool__(self) -> bool:
        """Whether there is an agent."""
        return len(self.table) > 0

    def each(self) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """World, agent, and its rows by seed; of each world first the agent that others are compared with."""
        for world, rows in self.table.groupby("world", sort=False):
            first = self.reference(str(world))
            for agent in sorted(set(rows["agent"]), key=lambda name: (name != first, name)):
                yield str(world), agent, rows[rows["agent"] == agent].sort_values("seed")

    def reference(self, world: str) -> str:
        """The agent that others of this world are compared with: IRIS as it is.

        Its profile is called after the world; without one, it is the agent of params.yaml.
        """
        return world if (self.table["agent"] == world).any() else DEFAULT


def returns(rows: pd.DataFrame) -> Measured:
    """The mean return over the seeds of an agent, with a 95% interval (see `_over_seeds`)."""
    return _over_seeds(rows["return_mean"], rows["return_std"], rows["episodes"])


def lead(rows: pd.DataFrame) -> Measured:
    """How much larger the return is than that of random actions in the same episodes."""
    spread = np.hypot(rows["return_std"], rows["random_std"])
    return _over_seeds(rows["return_mean"] - rows["random_mean"], spread, rows["episodes"])


def difference(rows: pd.DataFrame, others: pd.DataFrame) -> Measured | None:
    """How much larger the return is than that of another agent, at equal seeds; None if they share none."""
    both = rows.merge(others, on="seed", suffixes=("", "_other"))
    if both.empty:
        return None
    spread = np.hypot(both["return_std"], both["return_std_other"])
    return _over_seeds(both["return_mean"] - both["return_mean_other"], spread, both["episodes"])


def _over_seeds(values: pd.Series, spread: pd.Series, episodes: pd.Series) -> Measured:
    """The mean of a value over seeds with a 95% interval: over seeds, or of a single seed over its episodes.

    Args:
        values: one for each seed.
        spread: standard deviation over the episodes of a seed.
        episodes: their number.
    """
    mean = float(values.mean())
    if len(values) > 1:
        return mean_interval(mean, float(values.std(ddof=1)), len(values))
    return mean_interval(mean, float(spread.iloc[0]), float(episodes.iloc[0]))
